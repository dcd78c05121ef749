"""What a step of training does besides the products of its layers, each as a C function of one address.

As in `topolearn.sparse.kernels`, activations are feature-major, results do not depend on the number of threads, and
beside each kernel stands a reference in plain numpy, with the same arrays under the same names.
"""
