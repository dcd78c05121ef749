"""What training on an accelerator costs, and whether it does what the CPU does: one command, one JSON, one table.

``python -m analysis.benchmarks.cuda --device cuda --out DIR`` measures; ``--figure DIR/cuda.json`` draws.
"""
