"""Graphs with one kind of node, and their conversions and files."""
