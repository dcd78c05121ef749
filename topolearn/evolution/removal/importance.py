"""Relative importance (eq. 1), and its interpolation with weight magnitude (eq. 2)."""

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.evolution.removal.score import in_full, on_matrix
from topolearn.evolution.step.links import LayerLinks
from topolearn.waiting import is_asynchronous


def relative_importance(w: Tensor, mask: Tensor) -> Tensor:
    r"""Return the relative importance of the links of a layer (RI, eq. 1), and 0 elsewhere.

    .. math:: RI_{ij} = \frac{|W_{ij}|}{\sum |W_{*j}|} + \frac{|W_{ij}|}{\sum |W_{i*}|}

    The sums run over the links of input neuron j, and of output neuron i. The only link of a neuron has a share of 1
    there, so RI keeps neurons alive that weight magnitude lets die.

    Parameters
    ----------
    w : Tensor, shape (n_out, n_in)
    mask : Tensor of bool, shape (n_out, n_in)
        Where the links are.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the mask is not bool or not of the weight's shape, or a weight on a link is not finite.

    References
    ----------
    Zhang et al. (2024), "Plug-and-play: an efficient post-training pruning method for large language models", ICLR.

    Examples
    --------
    >>> import torch
    >>> w = torch.tensor([[1.0, 3.0], [0.0, 1.0]])
    >>> relative_importance(w, w != 0)
    tensor([[1.2500, 1.5000],
            [0.0000, 1.2500]])
    """
    return on_matrix(relative, w, mask)


def soft_importance(w: Tensor, mask: Tensor, alpha: float, delta: float) -> Tensor:
    r"""Return the probability weights with which the links of a layer are kept (eq. 2), and 0 elsewhere.

    .. math:: S_{ij} = \left( \frac{|W_{ij}| / 2}{\alpha + (1 - \alpha) \sum |W_{i*}|}
        + \frac{|W_{ij}| / 2}{\alpha + (1 - \alpha) \sum |W_{*j}|} \right)^{\delta / (1 - \delta)}

    alpha = 1 is weight magnitude, alpha = 0 half the relative importance. delta = 0.5 samples in proportion to these,
    and as delta approaches 1, sampling becomes ranking.

    Parameters
    ----------
    w : Tensor, shape (n_out, n_in)
    mask : Tensor of bool, shape (n_out, n_in)
        Where the links are.
    alpha : float
        In [0, 1].
    delta : float
        In [0, 1).

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When alpha or delta is out of range, the mask is not bool or not of the weight's shape, or a weight on a link
        is not finite.

    Examples
    --------
    >>> import torch
    >>> w = torch.tensor([[1.0, 3.0], [0.0, 1.0]])
    >>> soft_importance(w, w != 0, alpha=0.0, delta=0.5)
    tensor([[0.6250, 0.7500],
            [0.0000, 0.6250]])
    """
    if not 0 <= delta < 1:
        raise InvalidValueError(f"delta={delta} must lie in [0, 1)")
    if not 0 <= alpha <= 1:
        raise InvalidValueError(f"alpha={alpha} must lie in [0, 1]")
    return on_matrix(lambda links: interpolated(links, alpha) ** (delta / (1 - delta)), w, mask)


def relative(links: LayerLinks) -> Tensor:
    """Return the relative importance of each link."""
    return 2 * interpolated(links, 0.0)


def interpolated(links: LayerLinks, alpha: float) -> Tensor:
    """Return the base of the power in eq. 2 for each link; 0 for a link of weight 0."""
    magnitudes = in_full(links.values).abs()
    output = links.cells // links.shape[1]
    inputs = links.cells - output * links.shape[1]
    of_output, of_input = _sums(magnitudes, links, output, inputs)
    halves = [
        magnitudes / 2 / (alpha + (1 - alpha) * sums[place])
        for sums, place in ((of_output, output), (of_input, inputs))
    ]
    return torch.where(magnitudes == 0, 0, halves[0] + halves[1]).to(magnitudes.dtype)


def _sums(magnitudes: Tensor, links: LayerLinks, output: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums over the links of each output and each input neuron, in float64.

    On accelerators, sums over a list of links depend on thread order, while sums over a matrix do not: all ranks and
    resumed runs must get the same result.
    """
    n_out, n_in = links.shape
    exact = magnitudes.to(torch.float64)
    if not is_asynchronous(exact.device):
        rows = exact.new_zeros(n_out).index_add_(0, output, exact)
        return rows, exact.new_zeros(n_in).index_add_(0, inputs, exact)
    matrix = exact.new_zeros(n_out * n_in).index_put_((links.cells,), exact).view(n_out, n_in)
    return matrix.sum(dim=1), matrix.sum(dim=0)
