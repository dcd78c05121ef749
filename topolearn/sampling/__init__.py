"""Random selection: the random field, and choosing k of many candidates."""

from topolearn.sampling.among_all import choose_among_all
from topolearn.sampling.field import RandomField
from topolearn.sampling.filling import fill
from topolearn.sampling.fingerprint import fingerprint
from topolearn.sampling.pool import Bound, Pool
from topolearn.sampling.rows import top_in_rows
from topolearn.sampling.selection import (
    INVALID,
    are_valid,
    best,
    choose,
    drawn,
    filled_up,
    largest,
    sample,
    soft_keys,
    top,
)
from topolearn.sampling.torch_draws import torch_draws_from

__all__ = [
    "INVALID",
    "Bound",
    "Pool",
    "RandomField",
    "are_valid",
    "best",
    "choose",
    "choose_among_all",
    "drawn",
    "fill",
    "filled_up",
    "largest",
    "fingerprint",
    "sample",
    "soft_keys",
    "top",
    "top_in_rows",
    "torch_draws_from",
]
