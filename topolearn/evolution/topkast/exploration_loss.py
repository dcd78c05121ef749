"""The exploration loss of Top-KAST, a penalty on trained cells that are not links."""

import torch
from torch import Tensor

from topolearn.sparse import StoredLinear
from topolearn.sparse.weights.by_cell import put_at, values_at
from topolearn.sparse.weights.local_tensors import local_of
from topolearn.waiting import is_asynchronous


def exploration_loss(layer: StoredLinear) -> Tensor:
    r"""Return the exploration loss of a layer, whose gradient reaches its trained cells.

    .. math:: R = \frac{1}{2} \sum_{A} \theta_{ij}^2 + \frac{1}{2 D} \sum_{B \setminus A} \theta_{ij}^2

    A are the links, a share D of all cells; B are the trained cells. To become a link, a cell must grow faster than
    this loss shrinks it, and the loss is stronger the fewer links there are. A `topolearn.TopologyScheduler` adds the
    gradient of ``exploration_penalty`` R before each optimizer step, after gradients have been accumulated, averaged
    over ranks and scaled, so training loops need not add R to their loss.

    Parameters
    ----------
    layer : StoredLinear

    Returns
    -------
    Tensor
        A scalar.

    References
    ----------
    Jayakumar et al. (2020), "Top-KAST: Top-K always sparse training", NeurIPS, section 2.3.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> graph = tl.BipartiteGraph.from_edges([(0, 0)], n_in=4, n_out=1)
    >>> layer = tl.sparse.StoredLinear(4, 1, graph=graph)
    >>> _ = layer.set_links(torch.tensor([0]), trained=torch.tensor([0, 1]))
    >>> layer.set_stored(torch.tensor([3.0, 1.0, 0.5, 0.5]))
    >>> exploration_loss(layer).item()  # 9 / 2 + 1 / (2 / 4)
    6.5
    """
    squares = layer.weight.square()
    return (torch.where(layer.mask, squares, squares / _density(layer)).sum()) / 2


@torch.no_grad()
def add_exploration_gradient(layer: StoredLinear, factor: float) -> None:
    r"""Add the gradient of ``factor`` times the exploration loss to the gradient of a layer, if it has one.

    .. math:: \text{factor} \cdot \theta \text{ on A}, \quad \text{factor} \cdot \theta / D \text{ on } B \setminus A
    """
    weight, share = local_of(layer.link_parameter.detach()), factor / _density(layer)
    if layer.link_parameter.grad is None:
        return
    gradient = local_of(layer.link_parameter.grad)
    if is_asynchronous(gradient.device):  # a captured CUDA graph can read the mask, whose memory never moves
        off_links = gradient.add(weight, alpha=share)
        gradient.copy_(torch.where(layer.mask, gradient + factor * weight, off_links))
    else:
        on_links = values_at(gradient, layer.links) + factor * values_at(weight, layer.links)
        gradient.add_(weight, alpha=share)  # the weight is 0 off the trained cells
        put_at(gradient, layer.links, on_links)


def _density(layer: StoredLinear) -> float:
    return layer.n_links / (layer.in_features * layer.out_features)
