"""The sparse forms of the link predictors: compiled for the CPU by numba, over the links alone, without the GIL.

Nothing is compiled before it is used, and what was compiled is kept on disk for the next process.
"""

from topolearn.linkpred.sparse.candidates import offer_block, stream
from topolearn.linkpred.sparse.cost import FORMS, Costs, best_form, costs, multiplies, prepare
from topolearn.linkpred.sparse.forms import block_scores, one_mode_scores, sparse_scores

__all__ = [
    "FORMS",
    "Costs",
    "best_form",
    "block_scores",
    "costs",
    "multiplies",
    "offer_block",
    "one_mode_scores",
    "prepare",
    "sparse_scores",
    "stream",
]
