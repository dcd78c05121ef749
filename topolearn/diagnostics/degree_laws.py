"""The exponent of the power law that best fits the degrees of a graph, and its p-value."""

from topolearn.diagnostics.exponent import Exponent
from topolearn.diagnostics.power_law import power_law
from topolearn.diagnostics.reading import GraphLike, read_graph, read_layer

N_BOOTSTRAPS = 100


def gamma(graph: GraphLike, *, n_bootstraps: int = 0, seed: int | None = 0) -> Exponent:
    """Return the exponent for the degrees of all nodes, both sides together; see `power_law`.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> gamma(make("bsf", 500, 500, 0.02, seed=0)), gamma(make("er", 500, 500, 0.02, seed=0))
    (2.845, 14.05 (no power law: only from 16 to 21))
    """
    return Exponent(power_law(read_graph(graph), n_bootstraps=n_bootstraps, seed=seed))


def gamma_in(graph: GraphLike, *, n_bootstraps: int = 0, seed: int | None = 0) -> Exponent:
    """Return the exponent for the fan-in of the outputs; see `power_law`.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> gamma_in(make("bsf", 500, 500, 0.01, seed=0)) > 2
    True
    """
    layer = read_layer(graph, "gamma_in")
    return Exponent(power_law(layer, side="fan_in", n_bootstraps=n_bootstraps, seed=seed))


def gamma_out(graph: GraphLike, *, n_bootstraps: int = 0, seed: int | None = 0) -> Exponent:
    """Return the exponent for the fan-out of the inputs; see `power_law`.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> gamma_out(make("bsf", 500, 500, 0.01, seed=0)) > 2
    True
    """
    layer = read_layer(graph, "gamma_out")
    return Exponent(power_law(layer, side="fan_out", n_bootstraps=n_bootstraps, seed=seed))


def gamma_p(graph: GraphLike, *, seed: int | None = 0) -> float:
    """Return the p-value of a power law for the degrees of all nodes, from 100 bootstraps.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> 0 <= gamma_p(make("bsf", 200, 200, 0.02, seed=0)) <= 1
    True
    """
    p_value = gamma(graph, n_bootstraps=N_BOOTSTRAPS, seed=seed).fit.p_value
    assert p_value is not None  # there were bootstraps
    return p_value
