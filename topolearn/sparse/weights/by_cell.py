"""Reading and writing a matrix at flat positions, whatever its memory order: transposed weights have no flat view."""

import torch
from torch import Tensor


def values_at(matrix: Tensor, cells: Tensor) -> Tensor:
    """Return the elements at some cells, ``row * n_columns + column``.

    Examples
    --------
    >>> values_at(torch.arange(6).view(2, 3), torch.tensor([1, 5])).tolist()
    [1, 5]
    """
    return matrix.reshape(-1).index_select(0, cells)


def put_at(matrix: Tensor, cells: Tensor, values: Tensor) -> Tensor:
    """Write the elements at some cells, in place.

    Examples
    --------
    >>> put_at(torch.zeros(2, 2).t(), torch.tensor([1]), torch.ones(1)).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    if matrix.is_contiguous():
        matrix.view(-1)[cells] = values
    else:
        matrix[cells // matrix.shape[1], cells % matrix.shape[1]] = values
    return matrix


def fill_at(matrix: Tensor, cells: Tensor, value: int) -> Tensor:
    """Write one value at some cells, in place, without a copy from the host to an accelerator.

    Examples
    --------
    >>> fill_at(torch.zeros(2, 2).t(), torch.tensor([1]), 1).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    if matrix.is_contiguous():
        matrix.view(-1).index_fill_(0, cells, value)
    else:
        values = torch.full((), value, dtype=matrix.dtype, device=matrix.device)
        matrix.index_put_((cells // matrix.shape[1], cells % matrix.shape[1]), values)
    return matrix
