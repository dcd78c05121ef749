"""How a sparse layer computes: `SparseLinear`, and the way from a model to its topology and back."""

from topolearn.sparse.backends import BACKENDS
from topolearn.sparse.chain import Stage, sparse_chain
from topolearn.sparse.change import LinkChange
from topolearn.sparse.choice import best_backend
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.dense_gradient import largest_gradients, largest_recorded, recorded
from topolearn.sparse.gradient_record import GradientRecord
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.masked import MaskedLinear
from topolearn.sparse.parameter_groups import parameter_groups
from topolearn.sparse.topology import densify, neuron_groups, replace_linear, sparse_layers, topology_of

__all__ = [
    "BACKENDS",
    "CsrLinear",
    "GradientRecord",
    "LinkChange",
    "MaskedLinear",
    "SparseLinear",
    "Stage",
    "best_backend",
    "densify",
    "largest_gradients",
    "largest_recorded",
    "neuron_groups",
    "parameter_groups",
    "recorded",
    "replace_linear",
    "sparse_chain",
    "sparse_layers",
    "topology_of",
]
