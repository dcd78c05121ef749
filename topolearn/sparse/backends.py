"""How sparse layers can compute, by name."""

from topolearn.registry import Registry
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.masked import MaskedLinear

BACKENDS: Registry[type[SparseLinear]] = Registry("backend", {"masked": MaskedLinear, "csr": CsrLinear})
