"""Score several layers of one shape at once, on the device of their links."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.linkpred.baseline import Baseline
from topolearn.linkpred.catalogue import find
from topolearn.linkpred.dense import dense_scores
from topolearn.linkpred.memory import check_memory, dense_bytes
from topolearn.linkpred.rounding import rounded


def layer_scores(links: Sequence[Tensor], shape: tuple[int, int], predictor: str, dtype: torch.dtype) -> Tensor:
    """Return the rounded scores of all cells of layers in the dense form, 0 at links, on the device of the links.

    Parameters
    ----------
    links : sequence of Tensor of int64
        The links of each layer as flat positions.
    shape : (int, int)
        Numbers of output and input neurons of each layer.
    predictor : str
        One of `topolearn.linkpred.names`; ``random`` gives 0 everywhere.
    dtype : torch.dtype

    Returns
    -------
    Tensor, shape (n_layers, n_out * n_in)

    Raises
    ------
    UnknownNameError, InvalidValueError
        For an unknown predictor, a baseline, which has no dense form, or layers that do not fit into memory.
    """
    scorer, device = find(predictor), links[0].device
    if isinstance(scorer, Baseline):
        raise InvalidValueError(f"{predictor!r} has no dense form: use one of topolearn.linkpred.PREDICTORS")
    check_memory(dense_bytes((len(links), *shape), dtype.itemsize), device, (len(links), *shape))
    masks = torch.zeros((len(links), shape[0] * shape[1]), dtype=torch.bool, device=device)
    for mask, cells in zip(masks, links, strict=True):
        mask[cells] = True
    if scorer is None:
        return torch.zeros(masks.shape, dtype=dtype, device=device)
    return rounded(dense_scores(masks.view(-1, *shape), scorer, dtype)).flatten(1)
