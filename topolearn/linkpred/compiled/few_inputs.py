"""Node-based scores of layers with few input neurons, such as the first layer of a wide network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.compiled.pair_weights import MOST, fills_rows
from topolearn.linkpred.compiled.weights import Table, tables_of
from topolearn.linkpred.predictor import LinkPredictor

FULL = 2  # walks of three links per cell from which rows of scores count as full


def has_few_inputs(links: TwoWayCsr, predictor: LinkPredictor) -> bool:
    """Return whether a matrix of weights between input neurons fits into memory and pays off.

    Examples
    --------
    >>> from topolearn.generators import erdos_renyi
    >>> from topolearn.linkpred import PREDICTORS
    >>> wide, square = (TwoWayCsr.of(erdos_renyi(n, 10_000, 10 / n, seed=0)) for n in (64, 10_000))
    >>> [has_few_inputs(links, PREDICTORS["ch2_l3n"]) for links in (wide, square)]
    [True, False]
    """
    if predictor.per_path or links.n_in**2 > MOST:
        return False
    walks = int(links.fan_out @ links.transposed.walks_of_two())
    return walks >= FULL * links.n_out * links.n_in and not fills_rows(links)


def input_weights(links: TwoWayCsr, predictor: LinkPredictor, dtype: torch.dtype) -> tuple[Table, NDArray[np.float64]]:
    """Return the weights of output neurons, and the matrix that `kernels.few_inputs` needs, shape (n_in, n_in)."""
    from topolearn.linkpred.compiled.kernels.few_inputs import weigh_inputs

    table, far_table = tables_of(links, predictor, dtype)
    weights = np.zeros((links.n_in, links.n_in))
    weigh_inputs(links.arrays, table, far_table, weights)
    return table, weights
