"""The compiled loops. Importing a file of this folder imports numba; its functions are compiled at their first call.

What was compiled is kept beside these files, and renewed when any source that it uses changes: see
`topolearn.kernel_cache`.
"""
