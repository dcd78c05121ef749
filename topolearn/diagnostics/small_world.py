"""Small worlds: clustered like a lattice, and near to one another as in a random graph."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from topolearn.diagnostics.closure import closure
from topolearn.diagnostics.null_models import null_ensemble
from topolearn.diagnostics.path_length import path_length
from topolearn.diagnostics.reading import GraphLike, read_layer
from topolearn.errors import InvalidValueError, MeasureRangeWarning, UndefinedMeasureError
from topolearn.generators import latticise
from topolearn.graph import BipartiteGraph


@dataclass(frozen=True, repr=False)
class SmallWorld:
    r"""Closure and path length of a layer, beside random and lattice graphs with the same degrees.

    Attributes
    ----------
    closure, path_length : float
        C and L of the layer.
    closure_random, path_length_random : float
        Means over the random graphs, :math:`C_r, L_r`.
    closure_random_std, path_length_random_std : float
        Standard deviations over the random graphs; 0 for a single one.
    closure_lattice, path_length_lattice : float
        Of the lattice, :math:`C_l, L_l`.
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
        defined = [f"{name}={value:.3g}" for name in ("sigma", "omega") if (value := self._defined(name)) is not None]
        numbers = {"closure": self.closure, "path_length": self.path_length, "n_null": self.n_null}
        named = [*defined, *(f"{name}={value:.3g}" for name, value in numbers.items())]
        return f"SmallWorld({', '.join(named)})"

    def _defined(self, name: str) -> float | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MeasureRangeWarning)
                return float(getattr(self, name))
        except UndefinedMeasureError:
            return None

    @cached_property
    def sigma(self) -> float:
        r"""The small-world coefficient :math:`\sigma = (C / C_r) / (L / L_r)`; above 1 in a small world."""
        for value, what in ((self.closure_random, "closure"), (self.path_length_random, "path length")):
            if not value:
                raise UndefinedMeasureError(f"sigma is undefined: random graphs with the same degrees have {what} 0")
        return float((self.closure / self.closure_random) / (self.path_length / self.path_length_random))

    @cached_property
    def omega(self) -> float:
        r"""The small-world measure :math:`\omega = L_r / L - C / C_l`: 0 in a small world, -1 lattice, 1 random.

        It never falls below -1, as the lattice is at least as closed as the layer. It exceeds 1, with a
        `MeasureRangeWarning`, where the paths of the layer are much shorter than those of random graphs, as where it
        falls into small components.
        """
        for value, what in ((self.closure_lattice, "the lattice with the same degrees has closure 0"),
                            (self.path_length, "no two neurons are joined by a path")):  # fmt: skip
            if not value:
                raise UndefinedMeasureError(f"omega is undefined: {what}")
        omega = float(self.path_length_random / self.path_length - self.closure / self.closure_lattice)
        if omega > 1:
            warnings.warn(
                f"omega = {omega:.3g} is above 1: the layer's paths have {self.path_length:.3g} links on average, "
                f"those of random graphs with its degrees {self.path_length_random:.3g}; see its largest component",
                MeasureRangeWarning,
                stacklevel=2,
            )
        return omega


def small_world(
    graph: GraphLike,
    *,
    n_null: int = 10,
    sample: int | None = None,
    seed: int | np.random.Generator | None = 0,
    n_jobs: int | None = None,
) -> SmallWorld:
    r"""Measure how much of a small world a layer is.

    .. math:: \sigma = \frac{C / C_r}{L / L_r}, \qquad \omega = \frac{L_r}{L} - \frac{C}{C_l}

    with C the `closure`, as layers have no triangles, and L the `path_length` of the largest component. Random graphs
    (r) and the lattice (l) keep both sides and all degrees: `topolearn.generators.randomise` and `latticise`. Of
    several lattices, of neurons as they come and of neurons arranged by degree, the most closed one is taken, and the
    layer itself where it is more closed than these.

    Parameters
    ----------
    graph : BipartiteGraph, or what can be read as one
    n_null : int
        Number of random graphs.
    sample : int, optional
        Of `path_length`.
    seed : int, numpy.random.Generator or None
        For the random graphs.
    n_jobs : int, optional
        Random graphs at a time; default as many as torch's threads.

    Raises
    ------
    InvalidValueError
        When `n_null` is below 1.
    UndefinedMeasureError
        From ``sigma`` and ``omega``, where their denominators are 0.

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
    if n_null < 1:
        raise InvalidValueError(f"n_null={n_null} must be at least 1: sigma and omega compare with random graphs")
    layer = read_layer(graph, "small_world")

    def measured(g: BipartiteGraph) -> tuple[float, float]:
        return closure(g), float(path_length(g, sample=sample))

    nulls = np.array(null_ensemble(layer, measured, n_null, seed=seed, n_jobs=n_jobs))
    (c_r, l_r), (c_std, l_std) = nulls.mean(axis=0).tolist(), nulls.std(axis=0).tolist()
    lattice = max((latticise(layer), latticise(_by_degree(layer)), layer), key=closure)
    (c, length), (c_l, l_l) = measured(layer), measured(lattice)
    return SmallWorld(c, length, c_r, c_std, l_r, l_std, c_l, l_l, n_null)


def _by_degree(layer: BipartiteGraph) -> BipartiteGraph:
    """Return a layer with the neurons of each side from the most to the least links."""
    outputs, inputs = (np.argsort(-degrees, kind="stable") for degrees in (layer.fan_in, layer.fan_out))
    return BipartiteGraph(layer.to_scipy()[outputs][:, inputs])


def sigma(graph: GraphLike, *, seed: int | np.random.Generator | None = 0) -> float:
    """Return the small-world coefficient sigma of a layer, with 10 random graphs; see `small_world`."""
    return small_world(graph, seed=seed).sigma


def omega(graph: GraphLike, *, seed: int | np.random.Generator | None = 0) -> float:
    """Return the small-world measure omega of a layer, with 10 random graphs; see `small_world`."""
    return small_world(graph, seed=seed).omega
