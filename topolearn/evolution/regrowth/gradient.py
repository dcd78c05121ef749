"""Gradient regrowth: new links where the loss falls fastest."""

from collections.abc import Sequence

import torch
from torch import Tensor

from topolearn.evolution.regrowth.site import Site
from topolearn.sampling import RandomField, filled_up
from topolearn.sparse import largest_recorded, mean_magnitudes


def by_gradient(site: Site, k: int, field: RandomField, soft: bool) -> Tensor:
    r"""Choose the cells where :math:`|\partial L / \partial W_{ij}|` is largest, links or not.

    The gradient is that of the optimizer step before the update: over all accumulated batches, in float32, and averaged
    over ranks before the absolute value is taken.

    References
    ----------
    Evci et al. (2020), "Rigging the lottery: making all tickets winners", ICML.
    """
    assert site.record is not None
    excluded = site.excluded
    cells = largest_recorded(site.record, k, field, soft=soft, excluded=excluded)[0]
    return filled_up(cells, k, site.n_cells, field, excluded)


def gradient_matrix(sites: Sequence[Site]) -> Tensor:
    """Return the gradient magnitudes of all cells of equally shaped layers, shape (n_sites, n_cells)."""
    rows = []
    for site in sites:
        assert site.record is not None
        rows.append(mean_magnitudes(site.record, 0, site.shape[0]).flatten())
    return torch.stack(rows)
