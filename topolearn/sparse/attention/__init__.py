"""Attention whose projections are separate linear layers, so that each can become sparse."""
