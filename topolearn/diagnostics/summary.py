"""Many measures at once, of a graph, of a network, or of several graphs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from topolearn.checks import check_size
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
    """Return measures of a graph by name.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or convertible to a graph
        A matrix of shape (n_out, n_in), a networkx or igraph graph, or a table of links.
    measures : iterable of str, optional
        Names in `MEASURES`; default the quick ones that are defined for this kind of graph.
    null_models : int
        Number of random graphs with the same degrees to compare each measure with. ``NAME_null`` is their mean, and
        ``NAME_z`` is the graph's distance from it in standard deviations (left out if the deviation is 0). Both are
        NaN, with a warning, if the measure is undefined on one of them.
    seed : int, numpy.random.Generator or None
        For measures that draw, and for the random graphs.
    n_jobs : int, optional
        Number of random graphs to process at a time; default the number of torch threads.

    Returns
    -------
    dict of str to float
        The numbers of neurons and links and the density come first. A measure estimated from a sample is followed by
        its standard error, ``NAME_error``. The exponent of a power law is followed by the number of nodes that the law
        covers, ``NAME_tail``, and its p-value, ``NAME_p``: below 0.1 the degrees do not follow a power law. A measure
        that is undefined on this graph is NaN, with a warning that gives the reason.

    Raises
    ------
    UnknownNameError, InvalidValueError, InvalidTypeError
        When a measure does not exist, is not defined for this kind of graph, `null_models` is not an integer of at
        least 0, or null models are requested for a whole network.

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
    null_models = check_size("null_models", null_models, least=0)
    values = {**_sizes(read), **take_measures(read, chosen, seed=seed, tested=True)}
    if null_models:
        if isinstance(read, LayeredNetwork):
            raise InvalidTypeError(f"null_models={null_models} requires a single graph, not {read!r}")
        values |= _compared_with_nulls(read, chosen, values, null_models, seed, n_jobs)
    return values


def network_summary(
    network: LayeredNetwork, measures: Iterable[str] | None = None, *, seed: Seed = 0
) -> dict[str, float]:
    """Return measures of a whole network by name: those of its layers as one graph, and those defined for networks.

    Parameters
    ----------
    network : LayeredNetwork
        Such as ``topology_of(model)``.
    measures : iterable of str, optional
        Names in `MEASURES`; default the quick ones that are defined for networks.
    seed : int, numpy.random.Generator or None
        For measures that draw.

    Returns
    -------
    dict of str to float
        As in `summary`, with the numbers of layers, neurons and links, and the density.

    Raises
    ------
    UnknownNameError, InvalidValueError, InvalidTypeError
        When a measure does not exist or is not defined for a network, or `network` is not a network.

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
    """Return the summaries of several graphs as a table with one row per graph.

    Parameters
    ----------
    graphs : Mapping of str to graph
        Such as ``run.history.at(step)``, or networks by name.
    measures, null_models, seed, n_jobs
        As in `summary`.

    Returns
    -------
    DataFrame
        The index ``graph`` contains the names; there is a column for each measure.

    Raises
    ------
    InvalidValueError
        When `graphs` is empty. Errors of `summary` are raised as well.

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
        raise InvalidValueError("graphs is empty: pass at least one graph")
    names = None if measures is None else [measures] if isinstance(measures, str) else list(measures)
    rows = [summary(each, names, null_models=null_models, seed=seed, n_jobs=n_jobs) for each in graphs.values()]
    return pd.DataFrame(rows, index=pd.Index(list(graphs), name="graph"))


def take_measures(
    graph: GraphLike, measures: Iterable[Measure], *, seed: Seed = 0, tested: bool = False
) -> dict[str, float]:
    """Return measures by name, each with its standard error, ``NAME_error``, if it was estimated from a sample.

    A measure that is undefined on this graph is NaN, with a warning that gives the reason.

    Parameters
    ----------
    graph : BipartiteGraph, LayeredNetwork, or convertible to a graph
    measures : iterable of Measure
        Such as those of `MEASURES`.
    seed : int, numpy.random.Generator or None
        For measures that draw.
    tested : bool
        Whether to test power laws with 100 bootstraps each, and to add ``NAME_tail`` and ``NAME_p``.

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
        return {"n_nodes": graph.n_nodes, "n_links": graph.n_links, "density": graph.density}
    return {
        "n_layers": len(graph), "n_neurons": graph.n_neurons, "n_links": graph.n_links, "density": graph.density,
    }  # fmt: skip


def _compared_with_nulls(
    graph: BipartiteGraph | Graph,
    measures: list[Measure],
    values: dict[str, float],
    n: int,
    seed: Seed,
    n_jobs: int | None,
) -> dict[str, float]:
    """Return the means over random graphs, and the graph's distance from them in standard deviations.

    A measure that is undefined on one of them has neither, with a warning that gives the reason.
    """
    defined = [measure for measure in measures if not np.isnan(values[measure.name])]

    def measured(null: BipartiteGraph | Graph) -> list[float | str]:
        return [_value_or_reason(measure, null) for measure in defined]

    drawn = null_ensemble(graph, measured, n, seed=seed, n_jobs=n_jobs)
    for measure, of_nulls in zip(defined, zip(*drawn, strict=True), strict=True):
        if reasons := [value for value in of_nulls if isinstance(value, str)]:
            why = f"{measure.name}: undefined on {len(reasons)} of {n} random graphs: {reasons[0]}"
            warnings.warn(why, UndefinedMeasureWarning, stacklevel=3)
    nulls = np.array([[np.nan if isinstance(value, str) else value for value in of_one] for of_one in drawn])
    compared = {}
    for measure, mean, deviation in zip(defined, nulls.mean(axis=0), nulls.std(axis=0), strict=True):
        compared[f"{measure.name}_null"] = float(mean)
        if np.isnan(mean) or deviation > 1e-12 * max(abs(mean), 1):
            compared[f"{measure.name}_z"] = float((values[measure.name] - mean) / deviation)
    return compared


def _value_or_reason(measure: Measure, graph: BipartiteGraph | Graph) -> float | str:
    """Return a measure of a graph, or why it is undefined."""
    try:
        return float(measure(graph))
    except UndefinedMeasureError as why:
        return str(why)
