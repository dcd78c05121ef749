"""How a topology begins: one file for each model, one signature, one registry.

Every generator is called as ``f(n_in, n_out, density, *, seed=None)``, with the parameters of its model as further
keywords, and returns a `BipartiteGraph` with exactly ``round(density * n_in * n_out)`` links.
"""

import inspect
from typing import Protocol

import numpy as np

from topolearn.errors import InvalidValueError
from topolearn.generators.bipartite_small_world import bipartite_small_world
from topolearn.generators.checks import check_share, check_size, link_count, random_generator
from topolearn.generators.erdos_renyi import erdos_renyi
from topolearn.graph import BipartiteGraph
from topolearn.registry import Registry, suggest

__all__ = [
    "GENERATORS",
    "Generator",
    "bipartite_small_world",
    "check_share",
    "check_size",
    "erdos_renyi",
    "link_count",
    "make",
    "names",
    "random_generator",
]


class Generator(Protocol):
    """The signature of every generator."""

    def __call__(
        self, n_in: int, n_out: int, density: float, *, seed: int | np.random.Generator | None = None
    ) -> BipartiteGraph:
        """Return a graph with exactly ``round(density * n_in * n_out)`` links."""


GENERATORS: Registry[Generator] = Registry(
    "generator",
    {
        "er": erdos_renyi,
        "bsw": bipartite_small_world,
    },
)


def names() -> list[str]:
    """Return the names that `make` knows."""
    return list(GENERATORS)


def make(
    name: str,
    n_in: int,
    n_out: int,
    density: float,
    *,
    seed: int | np.random.Generator | None = None,
    **params: float,
) -> BipartiteGraph:
    """Generate a graph by the name of its model.

    Parameters
    ----------
    name : str
        One of `names`.
    n_in, n_out, density, seed
        As for every generator.
    **params
        Parameters of the model, such as ``beta`` for ``"bsw"``.

    Raises
    ------
    UnknownNameError
        When no generator has that name.
    InvalidValueError
        When the generator has no such parameter.

    Examples
    --------
    >>> make("bsw", 784, 1568, 0.01, beta=0.1, seed=0).n_links
    12293
    """
    check_params(name, params)
    return GENERATORS[name](n_in, n_out, density, seed=seed, **params)


def check_params(name: str, params: dict[str, float]) -> None:
    """Refuse parameters that the named generator does not have."""
    shared = {"n_in", "n_out", "density", "seed"}
    known = [word for word in inspect.signature(GENERATORS[name]).parameters if word not in shared]
    for word in params:
        if word not in known:
            raise InvalidValueError(
                f"generator {name!r} has no parameter {word!r}: {suggest(word, known) if known else 'it has none'}"
            )
