"""Notebook displays of objects, drawn by a higher-level package that is imported when a notebook asks."""

from collections.abc import Callable
from typing import Any

from topolearn.task_registry import imported


def shown_by(reference: str) -> Callable[[Any], str]:
    """Return a ``_repr_html_`` method that calls the function named by a reference "module:name".

    Examples
    --------
    >>> class Ring:
    ...     _repr_html_ = shown_by("html:escape")
    ...     def replace(self, *_):
    ...         return "a ring"
    >>> Ring.__dict__["_repr_html_"].__name__
    '_repr_html_'
    """

    def _repr_html_(thing: Any) -> str:
        """Return the notebook display: a small picture and a table."""
        return str(imported(reference)(thing))

    return _repr_html_
