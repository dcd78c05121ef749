"""The exponent of the power law that the degrees of a layer follow best."""

from topolearn.diagnostics.power_law import power_law
from topolearn.diagnostics.reading import GraphLike, neighbours, read_layer


def gamma(graph: GraphLike) -> float:
    """Return the exponent for the degrees of all nodes, of both sides together; see `power_law`.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> 2 < gamma(make("bsf", 500, 500, 0.01, seed=0)) < 3.5
    True
    """
    return power_law(neighbours(graph).degrees, n_bootstraps=0).gamma


def gamma_in(graph: GraphLike) -> float:
    """Return the exponent for the fan-in of the outputs; see `power_law`.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> gamma_in(make("bsf", 500, 500, 0.01, seed=0)) > 2
    True
    """
    return power_law(read_layer(graph, "gamma_in").fan_in, n_bootstraps=0).gamma


def gamma_out(graph: GraphLike) -> float:
    """Return the exponent for the fan-out of the inputs; see `power_law`.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> gamma_out(make("bsf", 500, 500, 0.01, seed=0)) > 2
    True
    """
    return power_law(read_layer(graph, "gamma_out").fan_out, n_bootstraps=0).gamma


def gamma_p(graph: GraphLike, *, seed: int | None = 0) -> float:
    """Return how plausible a power law is for the degrees of all nodes, its p-value from 100 bootstraps.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> 0 <= gamma_p(make("bsf", 200, 200, 0.02, seed=0)) <= 1
    True
    """
    p_value = power_law(neighbours(graph).degrees, n_bootstraps=100, seed=seed).p_value
    assert p_value is not None  # there were bootstraps
    return p_value
