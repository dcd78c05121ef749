"""The benchmark of whole epochs, on a tiny network."""

import pytest

from analysis.benchmarks.compiled_training import measure
from topolearn.training import load_dataset
from topolearn.training.trainer import Trainer


@pytest.mark.parametrize("compiled", [True, False])
def test_both_networks_are_measured_by_the_step(compiled, monkeypatch):
    calls, take = [], Trainer._take_compiled
    monkeypatch.setattr(Trainer, "_take_compiled", lambda trainer, *given: calls.append(1) or take(trainer, *given))
    row = measure(
        load_dataset("digits", None), 0.2, 1, hidden=(16, 16), batch_size=64, epochs=2, seconds=0.0, compiled=compiled
    )
    assert bool(calls) == compiled
    assert row["times as fast"] == pytest.approx(row["dense ms"] / row["sparse ms"])
    assert (row["density"], row["threads"], row["batch"]) == (0.2, 1, 64)
