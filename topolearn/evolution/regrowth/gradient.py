"""New links where the loss falls fastest."""

from dataclasses import replace

import torch
from torch import Tensor

from topolearn.evolution.regrowth.site import Site
from topolearn.sampling import RandomField, fill
from topolearn.sparse import largest_recorded


def by_gradient(site: Site, k: int, field: RandomField, soft: bool) -> Tensor:
    r"""Choose the cells where :math:`|\partial L / \partial W_{ij}|` is largest, links or not.

    The gradient is that of the optimizer step before the update: of all accumulated batches, in float32, averaged
    over ranks before the absolute value is taken.

    References
    ----------
    Evci et al. (2020), "Rigging the lottery: making all tickets winners", ICML.
    """
    assert site.record is not None
    excluded = site.excluded
    cells = largest_recorded(site.record, k, field, soft=soft, excluded=excluded)[0]
    if cells.numel() == k:
        return cells
    taken = torch.cat((excluded, cells)).sort().values
    others = fill(k - cells.numel(), site.n_cells, taken, replace(field, purpose=f"{field.purpose}, filled"))
    return torch.cat((cells, others)).sort().values
