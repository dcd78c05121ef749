"""New links at random."""

from dataclasses import replace

from torch import Tensor

from topolearn.evolution.regrowth.site import Site
from topolearn.sampling import RandomField, fill


def at_random(site: Site, k: int, field: RandomField, soft: bool) -> Tensor:
    """Draw from all cells alike (SET), as a link predictor does where none of them has a score; soft or not."""
    return fill(k, site.n_cells, site.excluded, replace(field, purpose=f"{field.purpose}, filled"))
