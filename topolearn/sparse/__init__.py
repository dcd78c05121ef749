"""How a sparse layer computes: `SparseLinear`, and the way from a model to its topology and back."""

from topolearn.sparse.linear import BACKENDS, SparseLinear
from topolearn.sparse.topology import densify, neuron_groups, replace_linear, sparse_layers, topology_of

__all__ = [
    "BACKENDS",
    "SparseLinear",
    "densify",
    "neuron_groups",
    "replace_linear",
    "sparse_layers",
    "topology_of",
]
