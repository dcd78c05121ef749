"""Cells: the form in which the parts of topolearn pass the links of a layer to one another.

A cell is a flat position in the adjacency, ``output * n_in + input``. The links of a layer are its cells, sorted and of
int64, with the layer's shape ``(n_out, n_in)``; public functions convert them to rows (input, output) for their users.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topolearn.waiting import is_asynchronous, positions

MANY = 4096  # cells from which compiled code pays off
SPARSE = 4  # words of a bitmap per cell up to which it is faster than a search


def without(cells: Tensor, others: Tensor) -> Tensor:
    """Return the cells that are not among the others, in their order; the others must be sorted.

    Examples
    --------
    >>> without(torch.tensor([1, 4, 7]), torch.tensor([4, 5]))
    tensor([1, 7])
    """
    if cells is others:  # happens when a stage of an evolution step changes nothing
        return cells[:0]
    return cells[~are_among(cells, others)] if cells.numel() and others.numel() else cells


def remaining(cells: Tensor, some: Tensor) -> Tensor:
    """Return the cells without a subset of them; both must be sorted, so the size of the result is known in advance.

    Examples
    --------
    >>> remaining(torch.tensor([1, 4, 7]), torch.tensor([4]))
    tensor([1, 7])
    """
    if not is_asynchronous(cells.device):
        return without(cells, some)
    is_left = torch.ones_like(cells, dtype=torch.bool)
    is_left[search(cells, some)] = False
    return cells[positions(is_left, cells.numel() - some.numel())]


def within(cells: Tensor, others: Tensor) -> Tensor:
    """Return the cells that are among the others, in their order; the others must be sorted.

    Examples
    --------
    >>> within(torch.tensor([1, 4, 7]), torch.tensor([4, 5]))
    tensor([4])
    """
    if cells is others or not cells.numel():
        return cells
    return cells[are_among(cells, others)] if others.numel() else cells[:0]


def union(cells: Tensor, others: Tensor) -> Tensor:
    """Return two sorted lists of cells merged into one.

    Examples
    --------
    >>> union(torch.tensor([1, 7]), torch.tensor([4]))
    tensor([1, 4, 7])
    """
    both = torch.cat((cells, others))
    if is_asynchronous(both.device):
        return both.sort().values
    if (bits := _bitmap(both, cells, others)) is not None:
        from topolearn.graph.kernels import merge_bits

        united = torch.empty_like(both)
        if merge_bits(cells.numpy(), others.numpy(), bits, united.numpy()) == both.numel():
            return united
    return torch.from_numpy(np.sort(both.numpy(), kind="stable"))  # merges sorted runs in one pass


def edges_of(cells: NDArray[np.integer], n_in: int) -> NDArray[np.int64]:
    """Return cells as rows (input, output), sorted by input, then output.

    Examples
    --------
    >>> edges_of(np.array([0, 3, 4]), n_in=3).tolist()
    [[0, 0], [0, 1], [1, 1]]
    """
    if not cells.size:
        return np.empty((0, 2), np.int64)
    outputs, inputs = np.divmod(cells, n_in)
    order = np.lexsort((outputs, inputs))
    return np.stack((inputs[order], outputs[order]), axis=1).astype(np.int64)


def search(ordered: Tensor, wanted: Tensor) -> Tensor:
    """Return how many of the ordered cells, all different, are below each wanted one, as `torch.searchsorted` does.

    On the CPU, it is several times as fast as that for many wanted cells, if these are sorted too.

    Examples
    --------
    >>> search(torch.tensor([1, 4, 7]), torch.tensor([0, 4, 5, 9]))
    tensor([0, 1, 2, 3])
    """
    if not _is_worth_compiled(ordered, wanted):
        return torch.searchsorted(ordered, wanted)
    from topolearn.graph.kernels import places_among, ranks_among

    places = torch.empty_like(wanted)
    arrays = ordered.contiguous().numpy(), wanted.contiguous().numpy(), places.numpy()
    if (bits := _bitmap(wanted, ordered)) is not None:
        ranks_among(arrays[0], bits, np.empty(bits.size, np.int64), *arrays[1:])
    else:
        places_among(*arrays)
    return places


def _is_worth_compiled(ordered: Tensor, wanted: Tensor) -> bool:
    """Return whether the cells are on the CPU and numerous enough for compiled code to be faster than torch."""
    is_here = ordered.device.type == wanted.device.type == "cpu"
    return is_here and wanted.numel() >= MANY and ordered.dtype == wanted.dtype == torch.int64


def _bitmap(wanted: Tensor, *ordered: Tensor) -> NDArray[np.uint64] | None:
    """Return an empty bitmap that can hold the largest of some sorted cells; None if it would be too long."""
    largest = max((int(cells[-1]) for cells in ordered if cells.numel()), default=-1)
    n_words = largest // 64 + 1
    n_cells = wanted.numel() + sum(cells.numel() for cells in ordered)
    return np.zeros(n_words, np.uint64) if n_words <= SPARSE * n_cells and n_cells >= MANY else None


def are_among(cells: Tensor, others: Tensor) -> Tensor:
    """Return which cells are among sorted others, in a tenth of the time of ``torch.isin``.

    Examples
    --------
    >>> are_among(torch.tensor([1, 4, 7]), torch.tensor([4, 5]))
    tensor([False,  True, False])
    """
    if not others.numel():
        return torch.zeros_like(cells, dtype=torch.bool)
    if _is_worth_compiled(others, cells) and (bits := _bitmap(cells, others)) is not None:
        from topolearn.graph.kernels import mark_members

        is_member = torch.empty(cells.shape, dtype=torch.bool)
        mark_members(others.contiguous().numpy(), bits, cells.contiguous().numpy(), is_member.numpy())
        return is_member
    places = search(others, cells).clamp_(max=others.numel() - 1)
    return others[places] == cells
