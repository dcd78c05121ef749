"""How a sparse layer computes: `SparseLinear`, and the way from a model to its topology and back."""

from topolearn.sparse.architectures import ARCHITECTURES, neuron_groups, output_layers, without_groups
from topolearn.sparse.attention import Attention
from topolearn.sparse.averaged import AveragedModel
from topolearn.sparse.backends import BACKENDS, has_links_alone
from topolearn.sparse.chain import Stage, sparse_chain
from topolearn.sparse.change import LinkChange
from topolearn.sparse.choice import CSR, MASKED, best_backend
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.dense_gradient import largest_gradients, largest_recorded, recorded
from topolearn.sparse.dense_layers import is_dense_linear, shape_of, weight_of
from topolearn.sparse.export import dense_state, export_dense
from topolearn.sparse.gradient_record import GradientRecord
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.masked import MaskedLinear
from topolearn.sparse.parameter_groups import parameter_groups
from topolearn.sparse.product_form import check_products
from topolearn.sparse.replaceable import refusal_of
from topolearn.sparse.row_gradients import largest_in_rows
from topolearn.sparse.stored import StoredLinear
from topolearn.sparse.topology import densify, replace_linear, sparse_layers, topology_of
from topolearn.sparse.unpack import unpack_attention

__all__ = [
    "ARCHITECTURES",
    "Attention",
    "AveragedModel",
    "BACKENDS",
    "CSR",
    "CsrLinear",
    "GradientRecord",
    "LinkChange",
    "MASKED",
    "MaskedLinear",
    "SparseLinear",
    "Stage",
    "StoredLinear",
    "best_backend",
    "check_products",
    "dense_state",
    "densify",
    "export_dense",
    "has_links_alone",
    "is_dense_linear",
    "largest_gradients",
    "largest_in_rows",
    "largest_recorded",
    "neuron_groups",
    "output_layers",
    "parameter_groups",
    "recorded",
    "refusal_of",
    "replace_linear",
    "shape_of",
    "sparse_chain",
    "sparse_layers",
    "topology_of",
    "unpack_attention",
    "weight_of",
    "without_groups",
]
