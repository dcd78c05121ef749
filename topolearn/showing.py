"""How things show themselves in a notebook: by a room above theirs, which is imported when a notebook asks."""

from collections.abc import Callable
from typing import Any

from topolearn.task_registry import imported


def shown_by(reference: str) -> Callable[[Any], str]:
    """Return the method ``_repr_html_`` of a class, which calls the function that a reference "module:name" names.

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
        """Return what a notebook shows: a small picture and a table."""
        return str(imported(reference)(thing))

    return _repr_html_
