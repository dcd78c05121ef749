"""Sparse layers (`SparseLinear` and its backends), and the conversion between models and their topologies."""

from topolearn.sparse.architectures import ARCHITECTURES, neuron_groups, output_layers, without_groups
from topolearn.sparse.attention.module import Attention
from topolearn.sparse.attention.unpack import unpack_attention
from topolearn.sparse.averaged import AveragedModel
from topolearn.sparse.backends import BACKENDS, has_links_alone
from topolearn.sparse.chains.chain import Stage, sparse_chain
from topolearn.sparse.change import LinkChange
from topolearn.sparse.choice import CSR, MASKED, best_backend
from topolearn.sparse.conversion.dense_layers import is_dense_linear, shape_of, weight_of
from topolearn.sparse.conversion.export import as_dense, dense_state, export_dense
from topolearn.sparse.conversion.replaceable import obstacle_to_sparsity
from topolearn.sparse.conversion.topology import densify, graphs_of, replace_linear, sparse_layers, topology_of
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.gradients.largest import (
    NOT_FINITE,
    largest_gradients,
    largest_recorded,
    mean_magnitudes,
    recorded,
)
from topolearn.sparse.gradients.largest_in_rows import LAST, largest_in_rows
from topolearn.sparse.gradients.record import GradientRecord
from topolearn.sparse.linear import SparseLinear, why_not_dtype
from topolearn.sparse.masked import MaskedLinear
from topolearn.sparse.parameter_groups import parameter_groups
from topolearn.sparse.products.form import check_products
from topolearn.sparse.stored import StoredLinear

__all__ = [
    "ARCHITECTURES",
    "Attention",
    "AveragedModel",
    "BACKENDS",
    "CSR",
    "CsrLinear",
    "GradientRecord",
    "LAST",
    "LinkChange",
    "MASKED",
    "MaskedLinear",
    "NOT_FINITE",
    "SparseLinear",
    "Stage",
    "StoredLinear",
    "as_dense",
    "best_backend",
    "check_products",
    "dense_state",
    "densify",
    "export_dense",
    "graphs_of",
    "has_links_alone",
    "is_dense_linear",
    "largest_gradients",
    "largest_in_rows",
    "largest_recorded",
    "mean_magnitudes",
    "neuron_groups",
    "output_layers",
    "parameter_groups",
    "recorded",
    "obstacle_to_sparsity",
    "why_not_dtype",
    "replace_linear",
    "shape_of",
    "sparse_chain",
    "sparse_layers",
    "topology_of",
    "unpack_attention",
    "weight_of",
    "without_groups",
]
