"""Graphs with inputs and outputs, such as the links of a layer, and their conversions and files."""
