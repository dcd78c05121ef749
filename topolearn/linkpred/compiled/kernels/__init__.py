"""The compiled loops. Importing a module of this package imports numba; functions are compiled at their first call.

Compiled code is cached and recompiled when any source that it uses changes: see `topolearn.kernel_cache`.
"""
