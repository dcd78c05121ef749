"""The benchmark of layers, on a tiny one: all peers that are installed compute the same way round."""

import torch

from analysis.benchmarks.layers import TorchCsr, measure, ours, passes


def test_each_peer_is_measured_in_turns():
    kinds = ("topolearn", "dense", "torch csr")  # sparselab is not among what the tests need
    times = measure(passes(12, 9, 0.4, 5, kinds), seconds=0.0)
    assert set(times) == set(kinds)
    assert all(len(each) == 5 and min(each) > 0 for each in times.values())


def test_torch_has_the_same_links():
    assert torch.equal(TorchCsr(12, 9, 0.4).index.col, ours(12, 9, 0.4).col)
