"""Configurations of language models that can be called by name."""
