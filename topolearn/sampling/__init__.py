"""How a choice is drawn: the random field, and the selection of k among candidates."""

from topolearn.sampling.field import RandomField
from topolearn.sampling.filling import fill
from topolearn.sampling.fingerprint import fingerprint
from topolearn.sampling.pool import Bound, Pool
from topolearn.sampling.rows import top_in_rows
from topolearn.sampling.selection import choose, sample, top

__all__ = [
    "Bound",
    "Pool",
    "RandomField",
    "choose",
    "fill",
    "fingerprint",
    "sample",
    "top",
    "top_in_rows",
]
