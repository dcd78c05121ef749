"""Small worlds in one-mode graphs: clustered like a lattice, with the short paths of a random graph."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from topolearn.diagnostics.null_models import null_ensemble
from topolearn.diagnostics.path_length import path_length
from topolearn.diagnostics.small_worldness import named, omega_of, sigma_of
from topolearn.diagnostics.triangles import clustering, transitivity
from topolearn.generators import randomise, randomise_connected
from topolearn.generators.latticise_one_mode import lattice_one_mode
from topolearn.graph import Graph

MOST_LATTICES, LINKS = 8, 20_000  # maximum number of lattices for each order of the nodes, and of links in all of them


@dataclass(frozen=True, repr=False)
class OneModeSmallWorld:
    r"""Clustering and path length of a one-mode graph, and of random and lattice graphs with the same degrees.

    Attributes
    ----------
    clustering, transitivity, path_length : float
        Mean local clustering C, transitivity T, and mean distance L within the largest component.
    clustering_random, transitivity_random, path_length_random : float
        Means over the random graphs, :math:`C_r, T_r, L_r`.
    clustering_random_std, transitivity_random_std, path_length_random_std : float
        Standard deviations over the random graphs; 0 for a single one.
    clustering_lattice : float
        :math:`C_l`, of the most clustered lattice, or of the graph itself if that is more clustered.
    n_null : int
        Number of random graphs.
    """

    clustering: float
    transitivity: float
    path_length: float
    clustering_random: float
    clustering_random_std: float
    transitivity_random: float
    transitivity_random_std: float
    path_length_random: float
    path_length_random_std: float
    clustering_lattice: float
    n_null: int

    def __repr__(self) -> str:
        return named(self, ("clustering", "transitivity", "path_length", "n_null"))

    @cached_property
    def sigma(self) -> float:
        r"""The small-world coefficient :math:`\sigma = (T / T_r) / (L / L_r)`; above 1 in a small world."""
        lengths = self.path_length, self.path_length_random
        return sigma_of(self.transitivity, self.transitivity_random, *lengths, "transitivity")

    @cached_property
    def omega(self) -> float:
        r"""The small-world measure :math:`\omega = L_r / L - C / C_l`.

        It is near 0 in a small world, near -1 in a lattice, and near 1 in a random graph. It is at least -1, because
        the lattice is at least as clustered as the graph. It is higher than networkx's omega, whose lattices are less
        clustered: see `topolearn.generators.latticise_one_mode`. It exceeds 1, with a `MeasureRangeWarning`, if paths
        are much shorter than in random graphs, for example in small components.
        """
        lengths = self.path_length, self.path_length_random
        return omega_of(self.clustering, self.clustering_lattice, *lengths, "clustering")


def one_mode_small_world(
    graph: Graph, n_null: int, *, sample: int | None, seed: int | np.random.Generator | None, n_jobs: int | None
) -> OneModeSmallWorld:
    """Measure how much of a small world a one-mode graph is; called by `topolearn.diagnostics.small_world`."""

    def measured(g: Graph) -> tuple[float, float, float]:
        return clustering(g), transitivity(g), float(path_length(g, sample=sample))

    draw = randomise_connected if graph.to_igraph().is_connected() else randomise
    nulls = np.array(null_ensemble(graph, measured, n_null, seed=seed, n_jobs=n_jobs, draw=draw))
    (c_r, t_r, l_r), (c_std, t_std, l_std) = nulls.mean(axis=0).tolist(), nulls.std(axis=0).tolist()
    c, t, length = measured(graph)
    orders = None, np.argsort(-graph.degrees, kind="stable")
    seeds = range(min(MOST_LATTICES, max(1, LINKS // max(graph.n_links, 1))))
    lattices = [clustering(lattice_one_mode(graph, order=order, seed=each)) for order in orders for each in seeds]
    return OneModeSmallWorld(c, t, length, c_r, c_std, t_r, t_std, l_r, l_std, max(c, *lattices), n_null)
