"""The soak: every update is recorded, what grows is seen, and what does not is called flat."""

import pandas as pd
import pytest
import torch

from analysis.benchmarks.soak import growth, soak, verdict

COURSE = {"updates": range(100, 1100, 100), "memory": [300.0] * 10, "descriptors": [9] * 10, "ratio": [8.0] * 10}


def test_a_short_soak_records_all_updates(tmp_path):
    pytest.importorskip("psutil")
    with torch.random.fork_rng():
        table = soak(["set", "chts"], ["csr", "masked"], 200, 5, tmp_path)
    assert table["updates"].tolist() == [40, 80, 120, 160, 200]
    assert table["recorded"].is_monotonic_increasing
    assert table["descriptors"].iloc[-1] == table["descriptors"].iloc[0]
    assert {"time set, csr", "time chts, masked"} < set(table.columns)
    assert verdict(table)


@pytest.mark.parametrize("column", ["memory", "ratio", "descriptors"])
def test_what_grows_is_not_flat(column):
    table = pd.DataFrame(COURSE)
    assert verdict(table).startswith("flat: ")
    table[column] = table[column] * (1 + table["updates"] / 1000)
    assert verdict(table).startswith("NOT FLAT: ")


def test_growth_is_a_share_of_the_mean_over_the_whole_course():
    table = pd.DataFrame(COURSE).assign(ratio=lambda t: 1 + t["updates"] / 1000)
    share, half = growth(table, "ratio")
    assert share == pytest.approx(1 / table["ratio"][2:].mean())
    assert half == pytest.approx(0, abs=1e-9)
