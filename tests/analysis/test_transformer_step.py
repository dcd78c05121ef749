"""The benchmark of a Transformer's training step, at a size that takes no time."""

from importlib.util import find_spec

import pytest
import torch

import topolearn as tl
from analysis.benchmarks.transformer_step import BACKENDS, DENSE, INTERVAL, SETTINGS, Training, measure

pytestmark = pytest.mark.skipif(find_spec("transformers") is None, reason="needs transformers")


def test_each_kind_of_network_is_measured_with_its_updates():
    method = tl.method("set", density=0.3)
    with torch.random.fork_rng():
        table = measure(SETTINGS["tiny"], method, (DENSE, *BACKENDS), rounds=1, steps=1).set_index("network")
    assert list(table.index) == [DENSE, *BACKENDS]
    assert (table["ms a step"] > 0).all()
    assert (table["ms an update"] > 0).tolist() == [False, True, True]
    assert table["ms in all"].tolist() == (table["ms a step"] + table["ms an update"] / INTERVAL).tolist()
    assert table["times as fast as dense"][DENSE] == 1


def test_generator_and_embeddings_stay_dense():
    for kind in BACKENDS:
        with torch.random.fork_rng():
            training = Training(SETTINGS["tiny"], kind, tl.method("set", density=0.3), 3)
        names = tl.sparse.sparse_layers(training.model)
        assert len(names) == 6 + 10
        assert not any("lm_head" in name or "embed" in name for name in names)
