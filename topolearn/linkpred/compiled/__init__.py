"""The compiled forms of the link predictors: numba kernels on the CPU that read only the links and release the GIL.

They give the same scores as the dense form (`topolearn.linkpred.dense`), which is closest to the equations;
``tests/linkpred/test_forms.py`` checks this for every predictor.

Kernels are compiled on first use and cached on disk for later processes.
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
