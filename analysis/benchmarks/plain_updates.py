"""Topology updates as most programs implement them, on whole matrices in plain PyTorch: the peer for update costs."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from topolearn.sparse import SparseLinear

ZETA = 0.3


class PlainLayer:
    """A dense weight with its mask, gradient and momentum, with the size and links of a sparse layer."""

    def __init__(self, layer: SparseLinear) -> None:
        self.weight = layer.dense_weight()
        self.mask = self.weight != 0
        self.gradient, self.momentum = torch.randn_like(self.weight), torch.randn_like(self.weight)

    def update(self, keep: Callable[[Tensor, int], Tensor], grow: Callable[["PlainLayer", int], Tensor]) -> None:
        """Keep some links, grow as many as were removed, and clear weight and momentum elsewhere."""
        n_links = int(self.mask.sum())
        kept = keep((self.weight.abs() * self.mask).flatten(), n_links - int(ZETA * n_links))
        self.mask = torch.zeros_like(self.mask).view(-1).index_fill_(0, kept, True).view_as(self.mask)
        grown = grow(self, n_links - kept.numel())
        self.mask.view(-1)[grown] = True
        self.weight *= self.mask
        self.momentum *= self.mask

    def free(self, scores: Tensor) -> Tensor:
        """Return the flat scores of all cells, with 0 at links."""
        return scores.masked_fill(self.mask, 0).flatten()


def _largest(scores: Tensor, k: int) -> Tensor:
    return torch.topk(scores, k).indices


def _sampled(scores: Tensor, k: int) -> Tensor:
    return torch.multinomial(scores, k)


def _at_random(layer: PlainLayer, k: int) -> Tensor:
    return _largest(layer.free(torch.rand_like(layer.weight)), k)


def _by_gradient(layer: PlainLayer, k: int) -> Tensor:
    return _largest(layer.free(layer.gradient.abs()), k)


def _by_ch2_l3n(layer: PlainLayer, k: int) -> Tensor:
    """Choose with CH2-L3n as four products of dense matrices, with 1e-5 added if too few cells have a score."""
    a = layer.mask.to(torch.float32)
    rows, columns = a @ a.T, a.T @ a
    p = (rows > 0) * (1 + rows) / (a.sum(1) - rows).clamp(min=1)
    q = (columns > 0) * (1 + columns) / (a.sum(0) - columns).clamp(min=1)
    scores = layer.free(p @ a + (q @ a.T).T)
    return _sampled(scores if int((scores > 0).sum()) >= k else layer.free(scores.view_as(a) + 1e-5), k)


Prepare = Callable[[Iterable[SparseLinear]], Callable[[], None]]


def _of(keep: Callable[[Tensor, int], Tensor], grow: Callable[[PlainLayer, int], Tensor]) -> Prepare:
    def prepare(layers: Iterable[SparseLinear]) -> Callable[[], None]:
        plain = [PlainLayer(layer) for layer in layers]

        def update() -> None:
            for layer in plain:
                layer.update(keep, grow)

        return update

    return prepare


# By method name, functions that take the layers of a model and return an update of equivalent layers.
PLAIN: dict[str, Prepare] = {
    "set": _of(_largest, _at_random),
    "rigl": _of(_largest, _by_gradient),
    "chts": _of(_sampled, _by_ch2_l3n),
}
