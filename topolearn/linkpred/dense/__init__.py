"""The dense form of the link predictors: matrix products on any torch device, for one layer or several of one shape.

It is the reference implementation, closest to the equations. The compiled forms (`topolearn.linkpred.compiled`) give
the same scores, which ``tests/linkpred/test_forms.py`` checks for every predictor.
"""

import torch
from torch import Tensor

from topolearn.linkpred.dense.device import as_mask, exact_products
from topolearn.linkpred.dense.node_based import node_based
from topolearn.linkpred.dense.path_based import path_based
from topolearn.linkpred.predictor import LinkPredictor

__all__ = ["as_mask", "dense_scores", "exact_products"]


def dense_scores(mask: Tensor, predictor: LinkPredictor, dtype: torch.dtype) -> Tensor:
    """Score the non-links of masks of shape (..., n_out, n_in) on their device; links get 0."""
    with exact_products(mask.device):
        layers = mask.reshape(-1, *mask.shape[-2:]).to(dtype)
        if predictor.products is not None:
            scores = predictor.products(layers)
        elif predictor.per_path:
            scores = path_based(layers, predictor.weight)
        else:
            scores = node_based(layers, predictor.weight)
        return scores.reshape(mask.shape).mul_(~mask)  # masked_fill_ takes five times as long on a CPU
