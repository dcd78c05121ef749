"""Active neurons, both definitions, against counting one by one."""

from itertools import pairwise

import numpy as np
import pytest

import topolearn as tl
from topolearn.diagnostics import active_neuron_rate


@pytest.mark.parametrize("seed", range(10))
def test_active_neurons_agree_with_counting_by_hand(seed):
    sizes = (6, 7, 5, 4)
    graphs = [tl.generators.erdos_renyi(a, b, 0.2, seed=seed + i) for i, (a, b) in enumerate(pairwise(sizes))]
    network = tl.LayeredNetwork(dict(zip("abc", graphs, strict=True)))
    matrices = [g.to_scipy().toarray() for g in graphs]
    active = 0
    for i, matrix in enumerate(matrices):
        for neuron in range(matrix.shape[0]):
            driven = matrix[neuron].any()
            read = i + 1 == len(matrices) or matrices[i + 1][:, neuron].any()
            active += bool(driven and read)
    assert active_neuron_rate(network) == pytest.approx(active / sum(sizes[1:]))
    sending = sum(int(m.any(axis=0).sum()) for m in matrices) + int(matrices[-1].any(axis=1).sum())
    assert active_neuron_rate(network, "authors") == pytest.approx(sending / sum(sizes))


def test_an_unknown_definition_is_refused():
    network = tl.LayeredNetwork({"a": tl.BipartiteGraph(np.eye(2))})
    with pytest.raises(ValueError, match="definition='hiden' is unknown: did you mean 'hidden'"):
        active_neuron_rate(network, "hiden")
