"""The products of links with activations: their index, and two implementations with the same functions."""
