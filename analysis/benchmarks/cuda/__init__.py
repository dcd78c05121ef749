"""The cost of training on an accelerator, and its agreement with the CPU: one command, one JSON file, one table.

``python -m analysis.benchmarks.cuda --device cuda --out DIR`` measures; ``--figure DIR/cuda.json`` draws.
"""
