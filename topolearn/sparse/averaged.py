"""`AveragedModel`: weight averages (EMA, SWA) of a network whose links move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import swa_utils

from topolearn.errors import InvalidValueError
from topolearn.graph import union, without
from topolearn.graph.cells import search
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.stored import StoredLinear


class AveragedModel(swa_utils.AveragedModel):
    """A copy of a model whose weights are averages over its training, like `torch.optim.swa_utils.AveragedModel`.

    The average of a sparse layer is that of its dense weights, so it has all links that any averaged weight had.
    torch's own class does not know that links move: for a masked layer, it keeps the average on the present links only;
    for a csr layer, it would average values by position, so using the averaged layer raises an error.

    Parameters
    ----------
    model, device, avg_fn, multi_avg_fn, use_buffers
        As for `torch.optim.swa_utils.AveragedModel`. Links are buffers, but are never averaged.

    Raises
    ------
    InvalidValueError
        From `update_parameters`, when the sparse layers of the model do not match.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> from torch.optim.swa_utils import get_ema_multi_avg_fn
    >>> model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), "set", backend="csr")
    >>> average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    >>> average.update_parameters(model)
    >>> torch.equal(average.module[0].dense_weight(), model[0].dense_weight())
    True
    """

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Update the averages with the weights of a model."""
        pairs = self._layers_of(model)
        is_first = int(self.n_averaged) == 0
        for averaged, layer in pairs:
            links = layer.cells().to(averaged.cells().device)
            if not is_first:
                links = union(averaged.cells(), without(links, averaged.cells()))
            if isinstance(averaged, StoredLinear):  # off its links, an average is 0
                averaged.set_stored(averaged.dense_weight())
            averaged.set_links(links)
        source = _Source(self, model, pairs)
        use_buffers, self.use_buffers = self.use_buffers, False  # torch then copies buffers; the source averages them
        try:
            super().update_parameters(source)  # type: ignore[arg-type]
        finally:
            self.use_buffers = use_buffers
        for averaged, _ in pairs:
            averaged.trust_links()

    def _layers_of(self, model: nn.Module) -> list[tuple[SparseLinear, SparseLinear]]:
        """Return the sparse layers of the average, each paired with that of the model."""
        ours, theirs = (
            [module for module in whole.modules() if isinstance(module, SparseLinear)] for whole in (self.module, model)
        )
        fits = len(ours) == len(theirs) and all(
            type(one) is type(other) and one.shape == other.shape for one, other in zip(ours, theirs, strict=True)
        )
        if not fits:
            raise InvalidValueError(
                f"the {len(theirs)} sparse layers of the model do not match the {len(ours)} of the average: create the "
                "average after sparsify, and update it with the model that it was created from"
            )
        return list(zip(ours, theirs, strict=True))


class _Source:
    """Parameters and buffers of a model in the form that its average needs: on the links of the average."""

    def __init__(
        self, average: AveragedModel, model: nn.Module, pairs: list[tuple[SparseLinear, SparseLinear]]
    ) -> None:
        self._average, self._model, self._use_buffers = average, model, average.use_buffers
        self._pairs = {id(pair[1].link_parameter): pair for pair in pairs}
        own = {id(buffer) for averaged, _ in pairs for buffer in averaged.buffers()}
        self._is_link_buffer = [id(buffer) in own for buffer in average.module.buffers()]

    def parameters(self) -> Iterator[Tensor]:
        """Yield the parameters; those of sparse layers have a value for each link of the average."""
        for parameter in self._model.parameters():
            pair = self._pairs.get(id(parameter))
            yield parameter if pair is None else _values(*pair)

    def buffers(self) -> Iterator[Tensor]:
        """Yield the new buffers of the average: links unchanged, others averaged or copied as requested."""
        mine, theirs = self._average.module.buffers(), self._model.buffers()
        for is_link, buffer, other in zip(self._is_link_buffer, mine, theirs, strict=True):
            if is_link:
                yield buffer
            elif self._use_buffers and buffer.is_floating_point() and int(self._average.n_averaged):
                yield self._averaged(buffer.clone(), other.to(buffer.device))
            else:
                yield other

    def _averaged(self, buffer: Tensor, other: Tensor) -> Tensor:
        n_averaged: Any = self._average.n_averaged.to(buffer.device)
        if self._average.multi_avg_fn is not None:
            self._average.multi_avg_fn([buffer], [other], n_averaged)
            return buffer
        average = self._average.avg_fn or swa_utils.get_swa_avg_fn()
        return average(buffer, other, n_averaged)


def _values(averaged: SparseLinear, layer: SparseLinear) -> Tensor:
    """Return the weights of a layer in the form of its average's parameter."""
    if not isinstance(averaged, CsrLinear):
        return layer.dense_weight()
    values = layer.link_values()
    expanded = values.new_zeros(averaged.n_links)
    expanded[search(averaged.cells().to(values.device), layer.cells())] = values
    return expanded
