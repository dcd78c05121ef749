"""Generators of initial topologies: one file per model, one signature, one registry.

Every generator is called as ``f(n_in, n_out, density, *, seed=None)``, with the parameters of its model as additional
keyword arguments, and returns a `BipartiteGraph` with exactly ``round(density * n_in * n_out)`` links.
"""

from topolearn.checks import check_share, check_size, random_generator
from topolearn.generators.bipartite_receptive_field import bipartite_receptive_field
from topolearn.generators.bipartite_scale_free import bipartite_scale_free, scale_free_degrees
from topolearn.generators.bipartite_small_world import bipartite_small_world
from topolearn.generators.catalogue import (
    GENERATORS,
    check_params,
    make,
    make_network,
    model_parameters,
    names,
    needs_data,
    split_name,
)
from topolearn.generators.correlated import correlated
from topolearn.generators.distributions import DISTRIBUTIONS, distribute
from topolearn.generators.equal_partition import equal_partition
from topolearn.generators.erdos_renyi import erdos_renyi
from topolearn.generators.fixed_fan_in import fixed_fan_in
from topolearn.generators.latticise import latticise
from topolearn.generators.link_count import link_count
from topolearn.generators.randomise import randomise
from topolearn.generators.randomise_one_mode import randomise_connected
from topolearn.generators.resort import resort

__all__ = [
    "DISTRIBUTIONS",
    "GENERATORS",
    "bipartite_receptive_field",
    "bipartite_scale_free",
    "bipartite_small_world",
    "check_params",
    "check_share",
    "check_size",
    "correlated",
    "distribute",
    "equal_partition",
    "erdos_renyi",
    "fixed_fan_in",
    "latticise",
    "link_count",
    "make",
    "make_network",
    "model_parameters",
    "names",
    "needs_data",
    "random_generator",
    "randomise",
    "randomise_connected",
    "resort",
    "scale_free_degrees",
    "split_name",
]
