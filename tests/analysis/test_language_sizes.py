"""The sizes of language models: what is counted, and what a process measures of itself."""

import pytest
import torch

from analysis.benchmarks.language_sizes import counted, measured

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")


def test_counts_are_those_of_the_model():
    costs = counted("language-130m")
    blocks, head = 12 * (4 * 768 * 768 + 3 * 768 * 2048 + 2 * 768), 32_100 * 768
    assert costs["parameters"] == blocks + 768 + 2 * head
    assert costs["links at last"] == pytest.approx(0.3 * 12 * (4 * 768 * 768 + 3 * 768 * 2048), abs=84)
    assert costs["GiB dense"] == pytest.approx(16 * costs["parameters"] / 2**30, abs=0.01)


def test_a_step_and_an_update_are_measured():
    threads = torch.get_num_threads()
    numbers = measured("language-small", "chts", "csr", 0.3, 1)
    torch.set_num_threads(threads)
    assert numbers["seconds a step"] > 0 < numbers["seconds an update"]
    assert 0 < numbers["GiB before"] <= numbers["GiB at the peak"]
