"""Configurations of translators that can be called by name."""
