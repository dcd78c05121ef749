"""Small worlds: clustered like a lattice, with the short paths of a random graph."""

from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np

from topolearn.checks import check_size
from topolearn.diagnostics.closure import closure
from topolearn.diagnostics.null_models import null_ensemble
from topolearn.diagnostics.one_mode_small_world import OneModeSmallWorld, one_mode_small_world
from topolearn.diagnostics.path_length import path_length
from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.diagnostics.small_worldness import named, omega_of, sigma_of
from topolearn.generators import latticise
from topolearn.graph import BipartiteGraph, Graph

Seed = int | np.random.Generator | None


@dataclass(frozen=True, repr=False)
class SmallWorld:
    r"""Closure and path length of a layer, and of random and lattice graphs with the same degrees.

    Attributes
    ----------
    closure, path_length : float
        C and L of the layer.
    closure_random, path_length_random : float
        Means over the random graphs, :math:`C_r, L_r`.
    closure_random_std, path_length_random_std : float
        Standard deviations over the random graphs; 0 for a single one.
    closure_lattice, path_length_lattice : float
        The values of the lattice, :math:`C_l, L_l`.
    n_null : int
        Number of random graphs.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> small_world(make("bsw", 60, 60, 0.1, beta=0.1, seed=0), n_null=2)
    SmallWorld(sigma=..., omega=..., closure=..., path_length=..., n_null=2)
    """

    closure: float
    path_length: float
    closure_random: float
    closure_random_std: float
    path_length_random: float
    path_length_random_std: float
    closure_lattice: float
    path_length_lattice: float
    n_null: int

    def __repr__(self) -> str:
        return named(self, ("closure", "path_length", "n_null"))

    @cached_property
    def sigma(self) -> float:
        r"""The small-world coefficient :math:`\sigma = (C / C_r) / (L / L_r)`; above 1 in a small world."""
        return sigma_of(self.closure, self.closure_random, self.path_length, self.path_length_random, "closure")

    @cached_property
    def omega(self) -> float:
        r"""The small-world measure :math:`\omega = L_r / L - C / C_l`.

        It is near 0 in a small world, near -1 in a lattice, and near 1 in a random graph. It is at least -1, because
        the lattice is at least as closed as the layer. It exceeds 1, with a `MeasureRangeWarning`, if the paths of the
        layer are much shorter than those of random graphs, for example because it consists of small components.
        """
        return omega_of(self.closure, self.closure_lattice, self.path_length, self.path_length_random, "closure")


@overload
def small_world(
    graph: BipartiteGraph, *, n_null: int = 10, sample: int | None = None, seed: Seed = 0, n_jobs: int | None = None
) -> SmallWorld: ...


@overload
def small_world(
    graph: GraphLike, *, n_null: int = 10, sample: int | None = None, seed: Seed = 0, n_jobs: int | None = None
) -> SmallWorld | OneModeSmallWorld: ...


def small_world(
    graph: GraphLike,
    *,
    n_null: int = 10,
    sample: int | None = None,
    seed: int | np.random.Generator | None = 0,
    n_jobs: int | None = None,
) -> SmallWorld | OneModeSmallWorld:
    r"""Measure how much of a small world a layer, or a one-mode graph, is.

    .. math:: \sigma = \frac{C / C_r}{L / L_r}, \qquad \omega = \frac{L_r}{L} - \frac{C}{C_l}

    with C the `closure`, since layers have no triangles, and L the `path_length` of the largest component. Random
    graphs (r) and the lattice (l) keep both sides and all degrees: see `topolearn.generators.randomise` and
    `latticise`. The lattice is the most closed of two, one with the neurons in their given order and one with the
    neurons sorted by degree, or the layer itself if that is more closed.

    A one-mode graph has triangles, and is measured as in networkx: sigma uses its transitivity, omega its mean local
    clustering, and L is measured within the largest component. If the graph is connected, so are its random graphs.
    The lattice is the most clustered of several on a ring, with the nodes in their given order and sorted by degree;
    if the graph itself is more clustered, its own clustering is :math:`C_l`.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one
    n_null : int
        Number of random graphs.
    sample : int, optional
        As in `path_length`.
    seed : int, numpy.random.Generator or None
        For the random graphs.
    n_jobs : int, optional
        Number of random graphs to process at a time; default the number of torch threads.

    Returns
    -------
    SmallWorld, or OneModeSmallWorld for a one-mode graph
        The values, with ``sigma`` and ``omega``.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `n_null` is not an integer of at least 1.
    UndefinedMeasureError
        From ``sigma`` and ``omega``, if a denominator is 0.

    References
    ----------
    Humphries, Gurney (2008), "Network 'small-world-ness'", PLoS ONE 3; Telesford et al. (2011), "The ubiquity of
    small-world networks", Brain Connectivity 1.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> world = small_world(make("bsw", 100, 100, 0.1, beta=0.1, seed=0), n_null=2)
    >>> world.sigma > 1.5, abs(world.omega) < 0.5
    (True, True)
    """
    n_null = check_size("n_null", n_null)
    layer = read_single(graph, "small_world")
    if isinstance(layer, Graph):
        return one_mode_small_world(layer, n_null, sample=sample, seed=seed, n_jobs=n_jobs)

    def measured(g: BipartiteGraph) -> tuple[float, float]:
        return closure(g), float(path_length(g, sample=sample))

    nulls = np.array(null_ensemble(layer, measured, n_null, seed=seed, n_jobs=n_jobs))
    (c_r, l_r), (c_std, l_std) = nulls.mean(axis=0).tolist(), nulls.std(axis=0).tolist()
    lattice = max((latticise(layer), latticise(_by_degree(layer)), layer), key=closure)
    (c, length), (c_l, l_l) = measured(layer), measured(lattice)
    return SmallWorld(c, length, c_r, c_std, l_r, l_std, c_l, l_l, n_null)


def _by_degree(layer: BipartiteGraph) -> BipartiteGraph:
    """Return a layer with the neurons of each side sorted by decreasing degree."""
    outputs, inputs = (np.argsort(-degrees, kind="stable") for degrees in (layer.fan_in, layer.fan_out))
    return BipartiteGraph(layer.to_scipy()[outputs][:, inputs])


def sigma(graph: GraphLike, *, seed: int | np.random.Generator | None = 0) -> float:
    """Return the small-world coefficient sigma of a graph, with 10 random graphs; see `small_world`."""
    return small_world(graph, seed=seed).sigma


def omega(graph: GraphLike, *, seed: int | np.random.Generator | None = 0) -> float:
    """Return the small-world measure omega of a graph, with 10 random graphs; see `small_world`."""
    return small_world(graph, seed=seed).omega
