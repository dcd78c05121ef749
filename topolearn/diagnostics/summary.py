"""Many measures at once, of one graph, of a network, or of several graphs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from topolearn.diagnostics.catalogue import measures_of
from topolearn.diagnostics.degree_laws import N_BOOTSTRAPS
from topolearn.diagnostics.estimate import Estimate
from topolearn.diagnostics.exponent import Exponent
from topolearn.diagnostics.measure import Measure
from topolearn.diagnostics.null_models import null_ensemble
from topolearn.diagnostics.reading import GraphLike, read_graph, read_network
from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError, UndefinedMeasureWarning
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork

if TYPE_CHECKING:
    import pandas as pd

Seed = int | np.random.Generator | None


def summary(
    graph: GraphLike,
    measures: Iterable[str] | None = None,
    *,
    null_models: int = 0,
    seed: Seed = 0,
    n_jobs: int | None = None,
) -> dict[str, float]:
    """Return measures of a graph, by name.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or what can be read as a graph
        A matrix of shape (n_out, n_in), or a networkx or igraph graph.
    measures : iterable of str, optional
        Names in `MEASURES`; default those that are quick and defined for such a graph.
    null_models : int
        Random graphs with the same degrees beside which each measure is put: with ``NAME_null`` their mean, and
        ``NAME_z``, how many of their standard deviations the graph lies above it (left out where these are 0).
    seed : int, numpy.random.Generator or None
        For measures that draw, and for the random graphs.
    n_jobs : int, optional
        Random graphs at a time; default as many as torch's threads.

    Returns
    -------
    dict of str to float
        First the numbers of neurons and links and the density. A measure that was estimated from a sample has its
        standard error beside it, as ``NAME_error``; the exponent of a power law how many nodes the law covers,
        ``NAME_tail``, and its p-value, ``NAME_p``: below 0.1 it is not a power law. A measure that has no value on this
        graph is NaN, and a warning says why.

    Raises
    ------
    UnknownNameError, InvalidValueError, InvalidTypeError
        When there is no such measure, it is not defined for such a graph, or random graphs are asked for other than
        one layer.

    Warns
    -----
    UndefinedMeasureWarning

    Examples
    --------
    >>> from topolearn.generators import make
    >>> values = summary(make("bsw", 40, 40, 0.1, beta=0, seed=0), ["closure", "path_length"])
    >>> {name: round(value, 2) for name, value in values.items()}
    {'n_in': 40, 'n_out': 40, 'n_links': 160, 'density': 0.1, 'closure': 0.44, 'path_length': 7.42}
    """
    read = read_graph(graph)
    chosen = measures_of(read, measures)
    if null_models < 0:
        raise InvalidValueError(f"null_models={null_models} must be at least 0")
    values = {**_sizes(read), **take_measures(read, chosen, seed=seed, tested=True)}
    if null_models:
        if not isinstance(read, BipartiteGraph):
            raise InvalidTypeError(f"null_models={null_models}: random graphs are made of one layer, not of {read!r}")
        values |= _beside_nulls(read, chosen, values, null_models, seed, n_jobs)
    return values


def network_summary(
    network: LayeredNetwork, measures: Iterable[str] | None = None, *, seed: Seed = 0
) -> dict[str, float]:
    """Return measures of a whole network, by name: its layers together, as one graph, and what only networks have.

    Parameters
    ----------
    network : LayeredNetwork
        Such as ``topology_of(model)``.
    measures : iterable of str, optional
        Names in `MEASURES`; default those that are quick and defined for networks.
    seed : int, numpy.random.Generator or None
        For measures that draw.

    Returns
    -------
    dict of str to float
        As of `summary`, with the numbers of layers, neurons and links, and the density.

    Raises
    ------
    UnknownNameError, InvalidValueError, InvalidTypeError
        When there is no such measure, it is not defined for a network, or `network` is none.

    Examples
    --------
    >>> import topolearn as tl
    >>> layer = tl.generators.make("bsw", 40, 40, 0.1, seed=0)
    >>> values = network_summary(tl.LayeredNetwork({"a": layer, "b": layer}), ["active_neurons", "credit_paths"])
    >>> values["n_neurons"], values["active_neurons"], round(values["credit_paths"], 2)
    (120, 1.0, 2.81)
    """
    return summary(read_network(network, "network_summary"), measures, seed=seed)


def compare(
    graphs: Mapping[str, GraphLike],
    measures: Iterable[str] | None = None,
    *,
    null_models: int = 0,
    seed: Seed = 0,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return the summaries of several graphs as a table, a row each.

    Parameters
    ----------
    graphs : Mapping of str to graph
        Such as ``run.history.at(step)``, or networks by name.
    measures, null_models, seed, n_jobs
        As of `summary`.

    Returns
    -------
    DataFrame
        The index ``graph`` are the names; a column for each measure.

    Raises
    ------
    InvalidValueError
        When there is no graph, and what `summary` raises.

    Examples
    --------
    >>> import topolearn as tl
    >>> layers = {beta: tl.generators.make("bsw", 40, 40, 0.1, beta=beta, seed=0) for beta in (0, 1)}
    >>> compare(layers, ["closure", "path_length"]).round(2)[["closure", "path_length"]]
           closure  path_length
    graph
    0         0.44         7.42
    1         0.10         3.20
    """
    import pandas as pd

    if not isinstance(graphs, Mapping):
        raise InvalidTypeError(f"graphs is a {type(graphs).__name__}: pass a dict of names to graphs")
    if not graphs:
        raise InvalidValueError("graphs is empty: compare one graph or more")
    names = None if measures is None else [measures] if isinstance(measures, str) else list(measures)
    rows = [summary(each, names, null_models=null_models, seed=seed, n_jobs=n_jobs) for each in graphs.values()]
    return pd.DataFrame(rows, index=pd.Index(list(graphs), name="graph"))


def take_measures(
    graph: GraphLike, measures: Iterable[Measure], *, seed: Seed = 0, tested: bool = False
) -> dict[str, float]:
    """Return measures by name, each with its standard error, ``NAME_error``, where it was estimated from a sample.

    One that has no value on this graph is NaN, and a warning says why.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or what can be read as a graph
    measures : iterable of Measure
        Such as those of `MEASURES`.
    seed : int, numpy.random.Generator or None
        For measures that draw.
    tested : bool
        Whether power laws are tested, by 100 bootstraps each, and have ``NAME_tail`` and ``NAME_p`` beside them.

    Warns
    -----
    UndefinedMeasureWarning

    Examples
    --------
    >>> from topolearn.diagnostics import MEASURES
    >>> take_measures(np.eye(4), [MEASURES["closure"], MEASURES["n_components"]])
    {'closure': 0.0, 'n_components': 4}
    """
    values: dict[str, float] = {}
    for measure in measures:
        try:
            value = _tested(measure, graph, seed) if tested and measure.is_fit else measure(graph, seed=seed)
        except UndefinedMeasureError as why:
            warnings.warn(f"{measure.name}: {why}", UndefinedMeasureWarning, stacklevel=3)
            value = float("nan")
        values[measure.name] = value
        if isinstance(value, Estimate) and value.error:
            values[f"{measure.name}_error"] = value.error
        if tested and isinstance(value, Exponent):
            p_value = float("nan") if value.fit.p_value is None else value.fit.p_value
            values |= {f"{measure.name}_tail": value.fit.n_tail, f"{measure.name}_p": p_value}
    return values


def _tested(measure: Measure, graph: GraphLike, seed: Seed) -> float:
    return measure.function(graph, n_bootstraps=N_BOOTSTRAPS, seed=seed)


def _sizes(graph: BipartiteGraph | Graph | LayeredNetwork) -> dict[str, float]:
    if isinstance(graph, BipartiteGraph):
        return {"n_in": graph.n_in, "n_out": graph.n_out, "n_links": graph.n_links, "density": graph.density}
    if isinstance(graph, Graph):
        return {"n_nodes": graph.n_nodes, "n_links": graph.n_links, "density": graph.n_links / graph.n_cells}
    return {
        "n_layers": len(graph), "n_neurons": graph.n_neurons, "n_links": graph.n_links, "density": graph.density,
    }  # fmt: skip


def _beside_nulls(
    graph: BipartiteGraph, measures: list[Measure], values: dict[str, float], n: int, seed: Seed, n_jobs: int | None
) -> dict[str, float]:
    """Return means over random graphs, and how far the graph is from them."""
    defined = [measure for measure in measures if not np.isnan(values[measure.name])]

    def measured(null: BipartiteGraph) -> list[float]:
        return [float(measure(null)) for measure in defined]

    nulls = np.array(null_ensemble(graph, measured, n, seed=seed, n_jobs=n_jobs))
    beside = {}
    for measure, mean, deviation in zip(defined, nulls.mean(axis=0), nulls.std(axis=0), strict=True):
        beside[f"{measure.name}_null"] = float(mean)
        if deviation > 1e-12 * max(abs(mean), 1):
            beside[f"{measure.name}_z"] = float((values[measure.name] - mean) / deviation)
    return beside
