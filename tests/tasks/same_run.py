"""Check that two training runs of a task gave the same results."""

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file


def table(path):
    """A table of a run, without columns that depend on the clock."""
    return pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="seconds", errors="ignore")


def assert_same(one, other):
    """Assert that two training runs gave the same weights, links and numbers, bit for bit."""
    for name in ("model.safetensors", "topology.safetensors"):
        first, second = (load_file(run.path / "checkpoints" / "checkpoint-12" / name) for run in (one, other))
        assert first.keys() == second.keys()
        assert [key for key in first if not torch.equal(first[key], second[key])] == []
    for name in ("metrics.csv", "layers.csv", "network.csv"):
        pd.testing.assert_frame_equal(table(one.path / name), table(other.path / name))
    summaries = [{key: value for key, value in run.summary.items() if key != "seconds"} for run in (one, other)]
    assert summaries[0] == summaries[1]
    for run in (one, other):
        assert run.summary["seconds"] == pytest.approx(run.metrics["seconds"].sum())
