"""Rich club: whether neurons with many links are linked to each other more than expected by chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topolearn.checks import check_size
from topolearn.diagnostics.null_models import null_ensemble
from topolearn.diagnostics.reading import GraphLike, read_single
from topolearn.errors import UndefinedMeasureError
from topolearn.graph import BipartiteGraph, Graph


@dataclass(frozen=True)
class RichClub:
    """The rich club of a graph at each degree, compared with random graphs with the same degrees.

    Attributes
    ----------
    degree : array of int64, shape (k,)
        The degrees, from 0, that at least one input and one output, or two nodes of a one-mode graph, exceed.
    density : array of float64, shape (k,)
        The density of links among the neurons with more links than `degree`.
    density_null : array of float64, shape (k,)
        Its mean over random graphs.
    peak : float
        The largest excess of `density` over `density_null`.
    p_value : float
        The share of the random graphs and the graph itself whose peak is at least as high.
    """

    degree: NDArray[np.int64]
    density: NDArray[np.float64]
    density_null: NDArray[np.float64]
    peak: float
    p_value: float


def rich_club(
    graph: GraphLike, *, n_null: int = 100, seed: int | np.random.Generator | None = 0, n_jobs: int | None = None
) -> RichClub:
    r"""Compare the density of links among neurons with many links with that in random graphs.

    .. math:: \phi(k) = \frac{|\{(i, o) \in A : d_i > k, d_o > k\}|}{|\{i : d_i > k\}| \; |\{o : d_o > k\}|}, \qquad
              p = \frac{1 + |\{n : \max_k (\phi_n - \bar\phi) \ge \max_k (\phi - \bar\phi)\}|}{1 + N}

    and for one-mode graphs :math:`\phi(k) = 2 E_k / (N_k (N_k - 1))`, with :math:`E_k` links among the :math:`N_k`
    nodes with more than k links, as in networkx. :math:`\bar\phi` is the mean over N random graphs n with the same
    degrees.

    Parameters
    ----------
    graph : BipartiteGraph or Graph, or convertible to one
    n_null : int
        Number of random graphs.
    seed : int, numpy.random.Generator or None
        For the random graphs.
    n_jobs : int, optional
        Number of random graphs to process at a time; default the number of torch threads.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `n_null` is not an integer of at least 1.
    UndefinedMeasureError
        When the graph has no links.

    References
    ----------
    Colizza et al. (2006), "Detecting rich-club ordering in complex networks", Nature Physics 2; Cannistraci, Muscoloni
    (2022), "Geometrical congruence", for the test of the peak.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> 0 < rich_club(make("bsf", 60, 60, 0.1, seed=0), n_null=9).p_value <= 1
    True
    """
    n_null = check_size("n_null", n_null)
    layer = read_single(graph, "rich_club")
    if not layer.n_links:
        raise UndefinedMeasureError("rich_club is undefined without links")
    own = _densities(layer)
    nulls = np.array(null_ensemble(layer, _densities, n_null, seed=seed, n_jobs=n_jobs))
    mean = nulls.mean(axis=0)
    peak = float((own - mean).max())
    as_high = int(((nulls - mean).max(axis=1) >= peak - 1e-12).sum())
    return RichClub(np.arange(own.size), own, mean, peak, (1 + as_high) / (1 + n_null))


def rich_club_peak(graph: GraphLike, *, seed: int | np.random.Generator | None = 0) -> float:
    """Return the largest excess of the rich club's density over chance, with 100 random graphs; see `rich_club`."""
    return rich_club(graph, seed=seed).peak


def rich_club_p(graph: GraphLike, *, seed: int | np.random.Generator | None = 0) -> float:
    """Return the p-value of the rich club, with 100 random graphs; see `rich_club`."""
    return rich_club(graph, seed=seed).p_value


def _densities(layer: BipartiteGraph | Graph) -> NDArray[np.float64]:
    """Return the density among neurons with more than 0, 1, 2, ... links, while both sides, or two nodes, have more."""
    if isinstance(layer, Graph):
        n = int(np.sort(layer.degrees)[-2])
        lower = layer.degrees[layer.edges()].min(axis=1)
        links, rich = _above(lower, n), _above(layer.degrees, n)
        return 2 * links / (rich * (rich - 1))
    n = int(min(layer.fan_in.max(), layer.fan_out.max()))
    inputs, outputs = layer.edges().T
    lower = np.minimum(layer.fan_out[inputs], layer.fan_in[outputs])
    links, rich_in, rich_out = (_above(degrees, n) for degrees in (lower, layer.fan_out, layer.fan_in))
    return links / (rich_in * rich_out)


def _above(degrees: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the number of degrees above 0, 1, ..., n - 1."""
    counts = np.bincount(np.minimum(degrees, n), minlength=n + 1)
    return np.asarray(counts[::-1].cumsum()[::-1][1:], dtype=np.int64)
