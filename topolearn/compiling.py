"""Compiled functions, cached on disk where a cache folder is writable, else compiled in each process."""

from collections.abc import Callable
from typing import Any

from numba import config
from numba import njit as numba_njit
from numba.core.ccallback import CFunc
from numba.core.registry import CPUDispatcher
from numba.core.sigutils import normalize_signature

from topolearn.kernel_cache import KernelCache

Decorator = Callable[[Callable[..., Any]], Any]

LEAN = {"no_cfunc_wrapper": True}  # nothing here passes functions as arguments; the code for it takes time to compile


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
        dispatcher = numba_njit(**LEAN, **options)(function)
        _keep(dispatcher, function)
        return dispatcher

    return decorated


class _Internal(CPUDispatcher):
    """A function for compiled callers. Calls from Python would crash, as it lacks the code that converts objects."""

    def __call__(self, *arguments: Any, **named: Any) -> None:
        message = f"{self.py_func.__qualname__} is internal: only compiled functions can call it"
        raise TypeError(message)


def internal(function: Callable[..., Any]) -> Any:
    """Compile a function as `njit` does, for calls by compiled functions only, which takes less time.

    Examples
    --------
    >>> @internal
    ... def twice(x):
    ...     return 2 * x
    >>> @njit(nogil=True)
    ... def four_times(x):
    ...     return twice(twice(x))
    >>> four_times(21)
    84
    """
    if config.DISABLE_JIT:  # as `njit` does, for debuggers
        return function
    dispatcher = _Internal(function, targetoptions={"nopython": True, "no_cpython_wrapper": True, **LEAN})
    _keep(dispatcher, function)
    return dispatcher


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
