"""Keeps weights, and what optimizers store for them, on the links, whatever changes them."""
