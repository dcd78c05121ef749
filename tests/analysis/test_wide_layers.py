"""The benchmark of very wide layers, at a small width."""

import pytest
import torch

from analysis.benchmarks.wide_layers import COMPILED, DENSE, SPARSE, measure, measure_updates


@pytest.mark.parametrize(("kind", "links"), [(SPARSE, 6000), (COMPILED, 6000), (DENSE, 0)])
def test_a_network_of_ten_links_per_neuron_is_made_and_trained(kind, links):
    with torch.random.fork_rng():
        row = measure(kind, 200, torch.get_num_threads(), seconds=0.1)
    assert row["links"] == links
    assert row["ms a step"] > 0
    assert row["MiB"] > 100


def test_updates_of_such_a_network_are_measured():
    with torch.random.fork_rng():
        row = measure_updates(200, torch.get_num_threads())
    assert (row["links"], row["updates"]) == (6000, 3)
    assert row["seconds of an update"] > 0
    assert row["MiB"] > 100
