"""Attention heads, counted by definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topolearn as tl
from topolearn.diagnostics import attention_heads


@given(st.integers(0, 10**6), st.sampled_from([(1, 4), (2, 2), (4, 1)]))
def test_heads_agree_with_slices_of_the_matrices(seed, sharing):
    kv_heads, served = sharing
    heads, width, n = 4, 3, 5
    draws = np.random.default_rng(seed)
    sizes = {"q": (12, n), "k": (kv_heads * width, n), "v": (kv_heads * width, n), "o": (n, 12)}
    matrices = {name: draws.random(shape) < 0.15 for name, shape in sizes.items()}
    groups = [tl.NeuronGroup(("q", "k"), (), "all", heads=heads), tl.NeuronGroup(("v",), ("o",), heads=heads)]
    graphs = {name: tl.BipartiteGraph(matrix) for name, matrix in matrices.items()}
    table = attention_heads(tl.LayeredNetwork(graphs, groups))
    assert table["writers"].tolist() == ["q, k"] * heads + ["v"] * heads
    assert table["readers"].tolist() == [""] * heads + ["o"] * heads
    assert table["head"].tolist() == [*range(heads)] * 2
    for head in range(heads):
        own, shared = slice(head * width, (head + 1) * width), head // served
        key = slice(shared * width, (shared + 1) * width)
        q, k, v, o = matrices["q"][own], matrices["k"][key], matrices["v"][key], matrices["o"][:, own]
        scores, values = table.iloc[head], table.iloc[heads + head]
        assert (scores["links_in"], scores["links_out"]) == (q.sum() + k.sum(), 0)
        assert scores["active_neurons"] == pytest.approx((q.any(axis=1) & k.any(axis=1)).mean())
        assert (values["links_in"], values["links_out"]) == (v.sum(), o.sum())
        assert values["active_neurons"] == pytest.approx((v.any(axis=1) & o.any(axis=0)).mean())
    assert (table["alive"] == (table["active_neurons"] > 0)).all()


def test_a_network_without_heads_has_no_rows():
    network = tl.LayeredNetwork({"a": tl.BipartiteGraph(np.eye(2))})
    assert attention_heads(network).empty
