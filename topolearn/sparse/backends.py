"""How sparse layers can compute, by name: `SparseLinear` takes the class of a layer from here."""

from topolearn.registry import Registry
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.masked import MaskedLinear

BACKENDS: Registry[type[SparseLinear]] = Registry("backend", {"masked": MaskedLinear, "csr": CsrLinear})
SparseLinear.backends = BACKENDS  # set from here, as the base class imports none of its subclasses
