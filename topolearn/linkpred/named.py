"""The link predictors as functions: the scores of all non-links in float64, links 0.

Each takes a `BipartiteGraph`, a scipy or numpy matrix, or a torch tensor of shape (n_out, n_in), and gives scores of
that shape: a tensor for a tensor, an array for anything else. Paths of length three go from an output neuron u over
an input neuron z2 and an output neuron z1 to an input neuron v. For a neuron z between, d is its degree, di its links
to other neurons between, de its links to all others, u and v not counted; a star adds one.
"""

import numpy as np
from torch import Tensor

from topolearn.linkpred.dense import AdjacencyLike
from topolearn.linkpred.scoring import BASELINE, score


def ch3_l3p(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    r"""Score all non-links by CH3-L3p, a sum over paths of length three.

    .. math:: \sum_{z_1, z_2} \frac{1}{\sqrt{de^*_{z_1} de^*_{z_2}}}

    See `topolearn.linkpred.ch3_l3p.ch3_l3p_dense`.

    References
    ----------
    Zhang et al., eq. 3.

    Examples
    --------
    >>> ch3_l3p(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(1.0)
    """
    return score(adjacency, "ch3_l3p")


def ch3_l3n(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    r"""Score all non-links by CH3-L3n, a sum over the neurons between, each once.

    .. math:: \sum_{z} \frac{1}{de^*_z}

    See `topolearn.linkpred.ch3_l3n.ch3_l3n_dense`.

    References
    ----------
    Zhang et al., eq. 4.

    Examples
    --------
    >>> ch3_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(2.0)
    """
    return score(adjacency, "ch3_l3n")


def ch2_l3n(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    r"""Score all non-links by CH2-L3n, a sum over the neurons between, each once.

    .. math:: \sum_{z} \frac{di^*_z}{de^*_z}

    See `topolearn.linkpred.ch2_l3n.ch2_l3n_dense`.

    References
    ----------
    Zhang et al., eq. 5.

    Examples
    --------
    >>> ch2_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(4.0)
    """
    return score(adjacency, "ch2_l3n")


def ch2_l3p(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    r"""Score all non-links by CH2-L3p, a sum over paths of length three.

    .. math:: \sum_{z_1, z_2} \sqrt{\frac{di^*_{z_1} di^*_{z_2}}{de^*_{z_1} de^*_{z_2}}}

    See `topolearn.linkpred.ch2_l3p.ch2_l3p_dense`.

    References
    ----------
    Muscoloni et al. (2022).

    Examples
    --------
    >>> ch2_l3p(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(2.0)
    """
    return score(adjacency, "ch2_l3p")


def ch31_l3n(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    r"""Score all non-links by CH3.1-L3n, a sum over the neurons between, each once.

    .. math:: \sum_{z} \frac{di^*_z}{{de^*_z}^{1 + de_z / de^*_z}}

    See `topolearn.linkpred.ch31_l3n.ch31_l3n_dense`.

    References
    ----------
    The program of Zhang et al.

    Examples
    --------
    >>> ch31_l3n(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(4.0)
    """
    return score(adjacency, "ch31_l3n")


def ch1_l3(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    r"""Score all non-links by CH1-L3, a sum over paths of length three.

    .. math:: \sum_{z_1, z_2} \sqrt{\frac{di_{z_1} di_{z_2}}{d_{z_1} d_{z_2}}}

    See `topolearn.linkpred.ch1_l3.ch1_l3_dense`.

    References
    ----------
    Muscoloni et al. (2022).

    Examples
    --------
    >>> ch1_l3(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(0.5)
    """
    return score(adjacency, "ch1_l3")


def ra_l3(adjacency: AdjacencyLike) -> np.ndarray | Tensor:
    r"""Score all non-links by RA-L3, a sum over paths of length three.

    .. math:: \sum_{z_1, z_2} \frac{1}{\sqrt{d_{z_1} d_{z_2}}}

    See `topolearn.linkpred.ra_l3.ra_l3_dense`.

    References
    ----------
    Kovacs et al. (2019).

    Examples
    --------
    >>> ra_l3(np.array([[1, 0], [1, 1]]))[0, 1].round(9)
    np.float64(0.5)
    """
    return score(adjacency, "ra_l3")


def random(adjacency: AdjacencyLike, *, seed: int | None = None) -> np.ndarray | Tensor:
    """Score all non-links by a draw of U(0, 1] from the random field of the seed: the baseline.

    Examples
    --------
    >>> first, again = (random(np.eye(3), seed=7) for _ in range(2))
    >>> bool((first == again).all())
    True
    """
    return score(adjacency, BASELINE, seed=seed)
