"""Files of weights: the links in them, the layers that they belong to, and topology files next to them."""
