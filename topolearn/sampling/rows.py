"""Choosing among the cells of each row (output neuron) separately."""

import torch
from torch import Tensor

from topolearn.sampling.field import RandomField


def top_in_rows(cells: Tensor, scores: Tensor, quota: Tensor, n_in: int, field: RandomField) -> Tensor:
    """Return the highest-scoring candidates of each row; ties are broken by the field.

    Parameters
    ----------
    cells : Tensor of int64, shape (n,)
        The candidates as flat positions, ``output * n_in + input``, each once, in any order.
    scores : Tensor, shape (n,)
        Their scores, of either sign.
    quota : Tensor of int64, shape (n_out,)
        How many to choose in each row; rows with fewer candidates give all of them.
    n_in : int
        Number of cells in a row.
    field : RandomField
        Breaks ties.

    Returns
    -------
    Tensor of int64
        The chosen cells, sorted.

    Examples
    --------
    >>> import torch
    >>> cells, scores = torch.tensor([0, 2, 3, 5]), torch.tensor([1.0, 4.0, 2.0, 3.0])
    >>> top_in_rows(cells, scores, torch.tensor([1, 2]), 3, RandomField(0))
    tensor([2, 3, 5])
    """
    rows = cells // n_in
    order = field.bits(cells).argsort(descending=True)
    order = order[scores[order].argsort(descending=True, stable=True)]
    order = order[rows[order].argsort(stable=True)]
    rows = rows[order]
    place = torch.arange(rows.numel(), device=rows.device) - torch.searchsorted(rows, rows)
    return cells[order[place < quota[rows]]].sort().values
