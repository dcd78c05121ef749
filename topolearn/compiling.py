"""Compiled functions, cached on disk where a cache folder is writable, else compiled in each process."""

from collections.abc import Callable
from typing import Any

from numba import njit as numba_njit
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature

from topolearn.kernel_cache import KernelCache

Decorator = Callable[[Callable[..., Any]], Any]


def njit(**options: Any) -> Decorator:
    """Compile a function with ``numba.njit`` and its options, and cache the result in a `KernelCache`.

    Examples
    --------
    >>> @njit(nogil=True)
    ... def twice(x):
    ...     return 2 * x
    >>> twice(21)
    42
    """

    def decorated(function: Callable[..., Any]) -> Any:
        dispatcher = numba_njit(**options)(function)
        _keep(dispatcher, function)
        return dispatcher

    return decorated


def cfunc(signature: Any, **options: Any) -> Decorator:
    """Compile a C function as ``numba.cfunc`` does, cached as in `njit`."""

    def decorated(function: Callable[..., Any]) -> Any:
        compiled = CFunc(function, normalize_signature(signature), {}, options)
        _keep(compiled, function)
        compiled.compile()
        return compiled

    return decorated


def _keep(compiled: Any, function: Callable[..., Any]) -> None:
    """Attach a cache if a folder is writable: next to the source, the user's, or ``NUMBA_CACHE_DIR``."""
    try:
        compiled._cache = KernelCache(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
