"""What a measure is: a function from a graph to a number, and what to know of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Measure:
    """A number that describes a topology.

    Attributes
    ----------
    name : str
        Its name in the registry, and as a column of tables.
    function : callable
        From a graph to a float; with ``seed=`` when it draws.
    title : str
        What it is in words, for axes and reports.
    of : {"layer", "one-mode", "graph", "network", "any"}
        What it is defined for: graphs with two sides, one-mode graphs, either of these, whole networks, or any of all.
    is_quick : bool
        Whether a layer of a million links takes seconds at most; these make up a summary by default.
    draws : bool
        Whether it needs a seed: for a sample, for random graphs, or for a search.
    is_share : bool
        Whether it is a share of something, best read in percent.
    is_fit : bool
        Whether it is an `Exponent`, of a power law that may not hold; its function also takes ``n_bootstraps=``, for
        the p-value.
    reference : float, optional
        What it is for a random graph, where a picture shows whether a layer is above or below.
    """

    name: str
    function: Callable[..., float]
    title: str
    of: Literal["layer", "one-mode", "graph", "network", "any"] = "layer"
    is_quick: bool = True
    draws: bool = False
    is_share: bool = False
    is_fit: bool = False
    reference: float | None = None

    def __call__(self, graph: Any, *, seed: int | np.random.Generator | None = 0) -> float:
        """Return the measure of a graph.

        Raises
        ------
        InvalidTypeError
            When it is not defined for such a graph.
        UndefinedMeasureError
            When it has no value there.
        """
        return self.function(graph, seed=seed) if self.draws else self.function(graph)
