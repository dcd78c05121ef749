"""Percolation: finding inactive neurons, and removing their links until none is left."""
