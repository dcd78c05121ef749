"""Compiled products of sparse layers for the CPU; kernels compile on first use and run without the GIL.

Activations are feature-major, (n_neurons, batch), so that each link multiplies one number with a row of activations.
The batch is cut into tiles: a tile of a row stays in SIMD registers while all links of a neuron are added up. One
thread computes each neuron in a fixed order, so results do not depend on the number of threads. Next to each kernel is
a reference in plain numpy that uses the same names for the same arrays.
"""
