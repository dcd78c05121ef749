"""`Measure`: a function from a graph to a number, with its metadata."""

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
        Takes a graph and returns a float; also takes ``seed=`` if `draws` is true.
    title : str
        A readable name, for axes and reports.
    of : {"layer", "one-mode", "graph", "network", "any"}
        What it is defined for: graphs with two sides, one-mode graphs, either of these, whole networks, or all three.
    is_quick : bool
        Whether it takes at most seconds on a layer of a million links; a default summary contains these measures.
    draws : bool
        Whether it takes a seed, for a sample, for random graphs, or for a search.
    is_share : bool
        Whether it is a fraction, which is shown in percent.
    is_fit : bool
        Whether it returns an `Exponent`, of a power law that may not hold; its function then also takes
        ``n_bootstraps=``, for the p-value.
    reference : float, optional
        Its value for a random graph, which plots show for comparison.
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
            When it is not defined for this kind of graph.
        UndefinedMeasureError
            When it has no value on this graph.
        """
        return self.function(graph, seed=seed) if self.draws else self.function(graph)
