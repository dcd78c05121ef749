"""The benchmark of very wide layers, at a width that is none."""

import pytest
import torch

from analysis.benchmarks.wide_layers import COMPILED, DENSE, SPARSE, measure


@pytest.mark.parametrize(("kind", "links"), [(SPARSE, 6000), (COMPILED, 6000), (DENSE, 0)])
def test_a_network_of_ten_links_a_neuron_is_made_and_trained(kind, links):
    with torch.random.fork_rng():
        found = measure(kind, 200, torch.get_num_threads(), seconds=0.1)
    assert found["links"] == links
    assert found["ms a step"] > 0
    assert found["MiB"] > 100
