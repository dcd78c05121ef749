"""Random regrowth."""

from dataclasses import replace

from torch import Tensor

from topolearn.evolution.regrowth.site import Site
from topolearn.sampling import RandomField, fill


def at_random(site: Site, k: int, field: RandomField, soft: bool) -> Tensor:
    """Draw uniformly from all free cells (SET), as a link predictor does when no cell has a score."""
    return fill(k, site.n_cells, site.excluded, replace(field, purpose=f"{field.purpose}, filled"))
