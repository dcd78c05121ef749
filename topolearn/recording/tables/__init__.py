"""The tables of a run: their rows, the files that they grow in, and the checks of both."""
