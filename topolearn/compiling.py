"""Compiled functions, kept in numba's cache where there is a place for it, and compiled in each process elsewhere."""

from collections.abc import Callable
from typing import Any

from numba import cfunc as numba_cfunc
from numba import njit as numba_njit

Decorator = Callable[[Callable[..., Any]], Any]


def njit(**options: Any) -> Decorator:
    """Compile a function by ``numba.njit``, with its options and ``cache=True`` where that is possible.

    Numba refuses to define a cached function when neither the folder of its source nor that of the user's caches, nor
    ``NUMBA_CACHE_DIR``, can be written: that must not keep a program from running.

    Examples
    --------
    >>> @njit(nogil=True)
    ... def twice(x):
    ...     return 2 * x
    >>> twice(21)
    42
    """
    return _cached(numba_njit, (), options)


def cfunc(signature: Any, **options: Any) -> Decorator:
    """Compile a C function by ``numba.cfunc``, cached as by `njit`."""
    return _cached(numba_cfunc, (signature,), options)


def _cached(compiler: Callable[..., Any], signature: tuple[Any, ...], options: dict[str, Any]) -> Decorator:
    def decorated(function: Callable[..., Any]) -> Any:
        try:
            return compiler(*signature, cache=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return compiler(*signature, **options)(function)

    return decorated
