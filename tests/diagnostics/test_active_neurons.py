"""Active neurons, by both definitions, against counting them one by one."""

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


def test_neurons_of_groups_count_once_by_the_rule_of_their_group():
    """Two heads of width 2 share keys and values; a gated layer of three neurons follows."""
    links = {
        "q": [(0, 0), (0, 1), (0, 3)],  # both coordinates of head 0, the second of head 1
        "k": [(0, 1)],  # the second coordinate of the shared head: products 1 and 3
        "v": [(0, 0), (0, 1)],
        "o": [(0, 0), (1, 0), (3, 0)],  # 3 of the 4 mixed values are read
        "gate": [(0, 0), (0, 1)],
        "up": [(0, 1), (0, 2)],
        "down": [(1, 0), (2, 0)],  # of the products only 1 exists, and it is read
    }
    sizes = {"q": (1, 4), "k": (1, 2), "v": (1, 2), "o": (4, 1), "gate": (1, 3), "up": (1, 3), "down": (3, 1)}
    graphs = {name: tl.BipartiteGraph.from_edges(edges, *sizes[name]) for name, edges in links.items()}
    groups = [
        tl.NeuronGroup(("q", "k"), (), "all", heads=2),
        tl.NeuronGroup(("v",), ("o",), heads=2),
        tl.NeuronGroup(("gate", "up"), ("down",), "all"),
    ]
    # products of q and k 2 of 4, values 3 of 4, gated 1 of 3, outputs of o and down 2 of 2
    assert active_neuron_rate(tl.LayeredNetwork(graphs, groups)) == pytest.approx((2 + 3 + 1 + 2) / 13)
    assert active_neuron_rate(tl.LayeredNetwork(graphs, ())) == pytest.approx((3 + 1 + 2 + 1 + 2 + 2 + 1) / 16)


def test_an_unknown_definition_is_rejected():
    network = tl.LayeredNetwork({"a": tl.BipartiteGraph(np.eye(2))})
    with pytest.raises(ValueError, match="definition='hiden' is unknown: did you mean 'hidden'"):
        active_neuron_rate(network, "hiden")
