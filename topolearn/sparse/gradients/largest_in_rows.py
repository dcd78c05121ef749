"""The largest gradients of each output neuron, for methods that fix the number of links per neuron, not per layer."""

from __future__ import annotations

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField, top_in_rows
from topolearn.sparse.gradients.largest import BLOCK, recorded_magnitudes
from topolearn.sparse.gradients.record import GradientRecord

LAST = -1.0  # the score of cells to choose only when no others are left, below that of a zero gradient


@torch.no_grad()
def largest_in_rows(
    record: GradientRecord,
    quota: Tensor,
    field: RandomField,
    *,
    excluded: Tensor,
    last: Tensor,
    block: int = BLOCK,
) -> Tensor:
    r"""Return the cells of each row where :math:`|\partial L / \partial W_{ij}|` is largest.

    Ties, including cells without a gradient, are broken uniformly at random. The gradient exists for only one block of
    rows at a time, and is not computed for a block in which no row needs a cell.

    Parameters
    ----------
    record : GradientRecord
        The gradient of all cells.
    quota : Tensor of int64, shape (n_out,)
        How many cells to choose in each row.
    field : RandomField
        Breaks ties.
    excluded : Tensor of int64, sorted
        Cells that must not be chosen.
    last : Tensor of int64, sorted
        Cells that are chosen only when no others are left in their row.
    block : int
        Cells whose gradients exist at a time; at least one row.

    Returns
    -------
    Tensor of int64, shape (quota.sum(),)
        The chosen cells, sorted.

    Raises
    ------
    InvalidValueError
        When nothing was recorded, a gradient is not finite, or a row has fewer cells than its quota.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> from topolearn.sparse import recorded
    >>> layer = tl.SparseLinear(4, 2, graph=tl.BipartiteGraph(torch.eye(2, 4)))
    >>> with recorded([layer]):
    ...     layer(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).sum().backward()
    ...     quota, none = torch.tensor([2, 1]), layer.cells()[:0]
    ...     largest_in_rows(layer.record, quota, RandomField(0), excluded=layer.cells(), last=none)
    tensor([2, 3, 7])
    """
    n_out, n_in = record.shape
    if record.is_empty:
        raise InvalidValueError("no backward pass was recorded: run forward and backward after recording has started")
    free = n_in - torch.bincount(excluded // n_in, minlength=n_out)
    if bool((quota > free).any()):
        row = int((quota - free).argmax())
        raise InvalidValueError(f"row {row} needs {int(quota[row])} cells, but only {int(free[row])} are free")
    step = max(block // n_in, 1)
    chosen = [excluded[:0]]
    for first in range(0, n_out, step):
        end = min(first + step, n_out)
        most = int(quota[first:end].max())
        if most == 0:
            continue
        scores = recorded_magnitudes(record, first, end)
        bounds = torch.tensor([first * n_in, end * n_in], device=scores.device)
        for cells, score in ((last, LAST), (excluded, -torch.inf)):
            low, high = torch.searchsorted(cells, bounds).tolist()
            scores.view(-1)[cells[low:high] - first * n_in] = score
        places = _at_threshold(scores, quota[first:end], most)
        chosen.append(top_in_rows(places + first * n_in, scores.view(-1)[places], quota, n_in, field))
    return torch.cat(chosen)


def _at_threshold(scores: Tensor, quota: Tensor, most: int) -> Tensor:
    """Return the positions of the ``quota[row]`` largest scores of each row, including all ties."""
    largest = torch.topk(scores, most).values
    threshold = largest.gather(1, (quota - 1).clamp_(min=0)[:, None])
    threshold[quota == 0] = torch.inf
    return (scores >= threshold).flatten().nonzero().squeeze(1)
