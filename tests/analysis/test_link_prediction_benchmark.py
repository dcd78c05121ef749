"""The benchmark of link prediction measures what it says, and its figure is drawn."""

import numpy as np
import pandas as pd
import pytest
import torch

from analysis import fig2_runtime
from analysis.benchmarks import link_prediction, link_prediction_dense, link_selection
from topolearn.generators import erdos_renyi
from topolearn.linkpred import ch2_l3n


def test_the_peer_is_right_at_non_links():
    graph = erdos_renyi(40, 30, 0.2, seed=0)
    found = link_prediction.matrix_form(graph.to_torch().double()).masked_fill(graph.to_torch(), 0)
    np.testing.assert_allclose(found.numpy(), ch2_l3n(graph), rtol=1e-12)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("limit", [20.0, 0.0])
def test_a_row_of_the_table(monkeypatch, limit):
    monkeypatch.setattr(link_prediction, "LIMIT", limit)
    monkeypatch.setattr(link_prediction, "ROWS", 64)
    row = link_prediction.measure(400, 300, 0.1, threads=1, repeats=2)
    assert (row["outputs"], row["inputs"], row["density"], row["threads"]) == (400, 300, 0.1, 1)
    for name in ("ch3_l3p", "ch2_l3n"):
        assert row[f"{name} ratio"] == pytest.approx(row[f"{name} ms"] / row["matrix form ms"], rel=0.05, abs=0.01)
        assert ("from 64 rows" in row[f"{name} form"]) == (limit == 0)


def test_the_figure_is_drawn():
    cases = [(1024, density) for density in fig2_runtime.DENSITIES] + [(size, 0.05) for size in fig2_runtime.SIZES]
    rows = [
        {"outputs": n, "density": p, "threads": 2, **{name: 1 + i + j for j, name in enumerate(fig2_runtime.LINES)}}
        for i, (n, p) in enumerate(cases)
    ]
    left, right = fig2_runtime.draw(pd.DataFrame(rows)).axes
    assert [len(line.get_xdata()) for line in left.lines] == [len(fig2_runtime.DENSITIES)] * 3
    assert [len(line.get_xdata()) for line in right.lines] == [len(fig2_runtime.SIZES)] * 3
    assert len(left.figure.legends[0].get_texts()) == 3


@pytest.mark.slow
def test_a_case_of_selection(monkeypatch):
    monkeypatch.setitem(link_selection.CASES, "small", (300, 3000, 500, "er", True))
    found = link_selection.measure("small", threads=torch.get_num_threads())
    assert found["seconds"] > 0
    assert found["MiB"] > 50


@pytest.mark.parametrize("name", ["ch2_l3n", "ch3_l3p"])
def test_a_row_of_the_dense_table(name):
    row = link_prediction_dense.measure((40, 60), 0.1, name, torch.device("cpu"), repeats=1)
    assert min(row.pop("ms"), row.pop("ms of its products")) > 0
    layers = link_prediction_dense.LAYERS
    assert row == {"predictor": name, "outputs": 40, "inputs": 60, "density": 0.1, "layers": layers}
