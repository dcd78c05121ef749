"""Compiled functions, kept on disk where there is a place for it, and compiled in each process elsewhere."""

from collections.abc import Callable
from typing import Any

from numba import njit as numba_njit
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature

from topolearn.kernel_cache import KernelCache

Decorator = Callable[[Callable[..., Any]], Any]


def njit(**options: Any) -> Decorator:
    """Compile a function by ``numba.njit``, with its options, and keep what was compiled as `KernelCache` does.

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
    """Compile a C function as ``numba.cfunc`` does, kept as by `njit`."""

    def decorated(function: Callable[..., Any]) -> Any:
        compiled = CFunc(function, normalize_signature(signature), {}, options)
        _keep(compiled, function)
        compiled.compile()
        return compiled

    return decorated


def _keep(compiled: Any, function: Callable[..., Any]) -> None:
    """Give a function its cache, if any folder can be written: of its source, of the user, or ``NUMBA_CACHE_DIR``."""
    try:
        compiled._cache = KernelCache(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
