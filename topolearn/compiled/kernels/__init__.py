"""Kernels of a training step other than the products of its layers, each a C function of one address.

As in `topolearn.sparse.kernels`, activations are feature-major, results do not depend on the number of threads, and
next to each kernel is a reference in plain numpy that uses the same names for the same arrays.
"""
