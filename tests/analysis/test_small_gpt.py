"""The benchmark of a small GPT, on a tiny one."""

import torch

import topolearn as tl
from analysis.benchmarks.small_gpt import DENSITY, gpt, measure, sparse

SIZES = {"width": 20, "hidden": 40, "n_layers": 2, "n_heads": 2, "n_words": 11}


def test_only_feed_forward_layers_are_sparse_and_the_network_is_causal():
    model = sparse(gpt(**SIZES), "topolearn")
    layers = tl.sparse.sparse_layers(model)
    assert len(layers) == 4
    assert all("feed_forward" in name and layer.n_links == DENSITY * 800 for name, layer in layers.items())
    words = torch.randint(11, (1, 6))
    changed = words.clone()
    changed[0, -1] = (changed[0, -1] + 1) % 11
    assert torch.allclose(model(words)[0, :-1], model(changed)[0, :-1], atol=1e-5)
    assert not torch.allclose(model(words)[0, -1], model(changed)[0, -1], atol=1e-5)


def test_networks_are_measured_in_turns():
    times = measure(("topolearn", "dense"), SIZES, (2, 6), 2)
    assert [len(each) for each in times.values()] == [2, 2]
    assert min(min(each) for each in times.values()) > 0
