"""The gradient of all cells of a layer, links or not, and the largest of its values, without a dense weight."""
