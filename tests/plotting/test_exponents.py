"""Exponents during training are marked with "no power law" if the degrees do not follow one."""

from types import SimpleNamespace

import pandas as pd
import pytest

from topolearn import plotting
from topolearn.generators import make
from topolearn.recording.report.tables import measure_table
from topolearn.recording.report.words import measure_changes

KINDS = {"random": "er", "free": "bsf"}


def run_of(last):
    """Return a run whose layer starts scale-free and ends as given; its exponent changes more than its closure."""
    graphs = {0: make("bsf", 400, 400, 0.02, seed=0), 9: make(KINDS[last], 400, 400, 0.02, seed=1)}
    rows = [{"index": i, "step": step, "layer": "fc", "gamma": 3.0 + step, "closure": 0.1 + i / 90}
            for i, step in enumerate(graphs)]  # fmt: skip
    history = SimpleNamespace(layers=["fc"], graph_steps=[0, 9], at=lambda step: {"fc": graphs[step]})
    return SimpleNamespace(name="run", task=None, measures=pd.DataFrame(rows), history=history)


@pytest.mark.parametrize("last", KINDS)
def test_the_largest_change_is_not_an_exponent_without_a_power_law(last):
    (said,) = measure_changes(run_of(last))
    assert ("closure (4-cycles) of fc changed most" in said) == (last == "random")
    assert ("power-law exponent of all degrees of fc changed most" in said) == (last == "free")


@pytest.mark.parametrize("last", KINDS)
def test_tables_and_plots_say_no_power_law(last):
    run = run_of(last)
    (row,) = measure_table(run)
    told = row["power-law exponent of all degrees"]
    assert told.startswith("3 → 12")
    assert ("(no power law: only from" in told) == (last == "random")
    label = plotting.measure(run, "gamma").get_legend().get_texts()[0].get_text()
    assert label == "fc" + " (no power law at the end)" * (last == "random")
    assert row["closure (4-cycles)"] == "0.1 → 0.111"


def test_without_graphs_the_verdict_is_unknown():
    run = run_of("free")
    run.history.graph_steps = []
    (said,) = measure_changes(run)
    assert "closure" in said
    assert measure_table(run)[0]["power-law exponent of all degrees"] == "3 → 12"
