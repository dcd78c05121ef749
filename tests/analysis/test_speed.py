"""The one command for all ratios: floors by hand, tiny cases measured, and the README's table from the file."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.benchmarks import speed
from analysis.benchmarks.roofline import LINK_BYTES, SIZES, Floor, Peaks, measure_peaks
from topolearn.training import load_dataset

PEAKS = Peaks(1, 1e9, {"L1": 8e9, "L2": 4e9, "L3": 2e9, "memory": 1e9})
README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("layers", "batch", "step", "ms", "bound"),
    [
        ([(8, 8, 50)], 32, False, 2 * 32 * 50 * 3 / 1e6, "products"),
        ([(8, 8, 50), (8, 8, 50)], 32, True, 2 * 32 * 50 * 5 / 1e6, "products"),
        ([(8, 10**7, 10**6)], 1, True, LINK_BYTES * 10**6 / 1e6, "links from memory"),
    ],
)
def test_a_floor_is_the_longest_of_what_must_be_done(layers, batch, step, ms, bound):
    floor = PEAKS.floor(layers, batch, step=step)
    assert floor.ms == pytest.approx(ms)
    assert floor.bound == bound


def test_the_floor_of_an_update_moves_links_or_multiplies_out_all_gradients():
    layers, n_bytes = [(10**3, 10**3, 10**3), (10**3, 10**3, 10**4)], 2 * (4 * 3 + 8) * 11_000
    by_links = PEAKS.floor_of_update(layers, 1, n_moments=2, by_gradient=False)
    assert by_links == Floor(pytest.approx(1e3 * n_bytes / 4e9), "links from L2")
    by_gradient = PEAKS.floor_of_update(layers, 8, n_moments=2, by_gradient=True)
    assert by_gradient == Floor(pytest.approx(1e3 * 2 * 8 * 2 * 10**6 / 1e9), "products")


def test_rows_are_read_from_the_level_that_holds_them():
    fast = Peaks(1, 1e15, PEAKS.bytes)
    wide, batch = SIZES["memory"] // 16, 32
    assert fast.floor([(wide, 8, 1000)], batch, step=False) == Floor(
        pytest.approx(1e3 * 4 * batch * 1000 * (1 / 1e9 + 1 / 8e9)), "rows from memory"
    )
    assert [fast.level_of(size) for size in (1, SIZES["L2"], 2 * SIZES["L3"], 10**12)] == ["L1", "L2", "L3", "memory"]
    assert Peaks(2, 1e15, PEAKS.bytes).level_of(3 * SIZES["L3"]) == "memory"


@pytest.mark.parametrize(("n_links", "level"), [(4000, "L1"), (3000, "L2")])
def test_rows_come_from_the_first_cache_if_neurons_have_links_to_all_blocks_that_fit_into_it(n_links, level):
    """The rows of 1,000 neurons are four blocks of 32 KiB."""
    floor = Peaks(1, 1e15, PEAKS.bytes).floor([(1000, 1000, n_links)], 32, step=False)
    assert floor == Floor(pytest.approx(1e3 * 2 * 4 * 32 * n_links / PEAKS.bytes[level]), f"rows from {level}")


def test_peaks_are_measured():
    peaks = measure_peaks(2, n=32, seconds=0.0)
    assert peaks.threads == 2
    assert peaks.flops > 0
    assert set(peaks.bytes) == set(SIZES)
    assert min(peaks.bytes.values()) > 1e6


def test_steps_and_updates_of_a_tiny_network_are_rows(monkeypatch):
    monkeypatch.setattr(speed, "HIDDEN", (16, 16, 16))
    monkeypatch.setitem(speed.update_cost.SETTINGS, "MLP", speed.update_cost.SETTINGS["small"])
    steps = list(speed.training_steps(load_dataset("digits"), [0.3], PEAKS, epochs=1, seconds=0.0))
    updates = list(speed.updates(["set"], PEAKS, 1))
    for row in (*steps, *updates):
        assert row["topolearn ms"] > 0
        assert row["times as fast"] == pytest.approx(row["peer ms"] / row["topolearn ms"])
    assert steps[0]["share of floor, %"] > 0
    assert updates[0]["share of floor, %"] > 0


def test_the_readme_has_the_table_of_the_committed_file():
    table = pd.read_csv(README.parent / speed.FILE)
    assert set(table["threads"]) == {1, 2}
    text = README.read_text(encoding="utf-8")
    for line in speed.summary(table).splitlines():
        assert line in text
    assert speed.draw(table).axes
