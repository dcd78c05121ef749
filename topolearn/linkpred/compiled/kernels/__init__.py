"""The compiled loops. Importing a file of this folder imports numba; its functions are compiled at their first call.

numba keeps compiled functions beside these files, and renews them when their own file changes, not when a file that
they import does: after work on `picking` or `row_sums`, delete ``__pycache__``.
"""
