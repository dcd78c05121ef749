"""The backends of sparse layers by name, from which `SparseLinear` chooses the class of a layer."""

from topolearn.registry import Registry
from topolearn.sparse.choice import CSR, MASKED
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.masked import MaskedLinear

BACKENDS: Registry[type[SparseLinear]] = Registry("backend", {MASKED: MaskedLinear, CSR: CsrLinear})
SparseLinear.backends = BACKENDS  # set here, since the base class cannot import its subclasses


def has_links_alone(backend: str) -> bool:
    """Return whether the layers of a backend store values for links only, as csr does; False for ``auto``.

    Examples
    --------
    >>> has_links_alone("csr"), has_links_alone("masked"), has_links_alone("auto")
    (True, False, False)
    """
    return backend in BACKENDS and issubclass(BACKENDS[backend], CsrLinear)
