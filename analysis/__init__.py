"""Studies and benchmarks: one module for each table and figure, written to figures/."""
