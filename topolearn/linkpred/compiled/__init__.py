"""The compiled forms of the link predictors: for the CPU, by numba, over the links alone, without the GIL.

They give the scores of the dense form (`topolearn.linkpred.dense`), which is the one to read beside the equations;
``tests/linkpred/test_forms.py`` checks that for every predictor.

Nothing is compiled before it is used, and what was compiled is kept on disk for the next process.
"""

from topolearn.linkpred.compiled.candidates import offer_block, stream
from topolearn.linkpred.compiled.cost import Costs, best_form, costs, multiplies, prepare
from topolearn.linkpred.compiled.forms import block_scores, compiled_scores, one_mode_scores

__all__ = [
    "Costs",
    "best_form",
    "block_scores",
    "compiled_scores",
    "costs",
    "multiplies",
    "offer_block",
    "one_mode_scores",
    "prepare",
    "stream",
]
