"""Studies and benchmarks: one module for each table and figure, writing into figures/."""
