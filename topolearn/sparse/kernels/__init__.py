"""Compiled products of sparse layers for the CPU: nothing is compiled before it is used, and it runs without the GIL.

Activations are feature-major, (n_neurons, batch), so that a link is one multiplication of a number with a row of
activations. The batch is cut into tiles: a tile of a row is held in SIMD registers while all links of a neuron pass.
Each neuron is computed by one thread in a fixed order, so that results do not depend on the number of threads. Beside
each kernel stands a reference in plain numpy, with the same arrays under the same names.
"""
