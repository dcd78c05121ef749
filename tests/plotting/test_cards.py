"""Notebook displays: numbers, a picture, and no injected markup."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import topolearn as tl
from tests.plotting.fake_run import fake_run
from topolearn.evolution import TopologyUpdate
from topolearn.evolution.step.update import EVENTS, LayerUpdate
from topolearn.plotting import cards

WILD = "<script>alert(1)</script>"


def read(card):
    """Return the pictures of a card as arrays, and its table."""
    pictures = [
        np.array(Image.open(io.BytesIO(base64.b64decode(each)))) for each in re.findall(r"base64,([^\"]+)", card)
    ]
    return pictures, pd.read_html(io.StringIO(card), index_col=0)[0]


def test_a_graph():
    g = tl.generators.make("bsw", 30, 40, 0.1, seed=0)
    (picture,), table = read(g._repr_html_())
    assert picture.std() > 0
    assert table.iloc[:, 0].to_dict() == {
        "inputs": "30", "outputs": "40", "links": "120", "density": "10 %",
        "fan-in": f"{g.fan_in.min()} to {g.fan_in.max()}, mean 3",
        "fan-out": f"{g.fan_out.min()} to {g.fan_out.max()}, mean 4",
    }  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1), (3, 1)])
def test_a_tiny_graph(shape):
    _, table = read(tl.BipartiteGraph(np.zeros(shape, dtype=bool))._repr_html_())
    assert table.loc["links"].tolist() == [0] or table.loc["links"].tolist() == ["0"]


def test_a_one_mode_graph():
    _, table = read(tl.Graph([[0, 1], [1, 2]], 4)._repr_html_())
    assert table.loc[["nodes", "degree"]].iloc[:, 0].tolist() == ["4", "0 to 2, mean 1"]


def test_a_network_has_a_row_for_each_layer():
    layers = {f"fc{i} {WILD}": tl.generators.make("er", 20, 20, 0.1 * (i + 1), seed=i) for i in range(6)}
    card = tl.LayeredNetwork(layers)._repr_html_()
    (picture,), table = read(card)
    assert "<script" not in card
    assert len(table) == 6
    assert table["links"].tolist() == [g.n_links for g in layers.values()]
    assert picture.shape[1] == cards.MOST_LAYERS * 160


def test_an_update():
    def cells(n):
        return np.arange(n, dtype=np.int64)

    layers = {
        name: LayerUpdate((9, 9), {event: cells(n + i) for i, event in enumerate(EVENTS)})
        for n, name in ((3, "fc1"), (5, WILD))
    }
    update = TopologyUpdate(step=1200, index=3, layers=layers)
    card = update._repr_html_()
    _, table = read(card)
    assert "update 3, after step 1,200" in card
    assert "<script" not in card
    assert table[list(EVENTS)].to_numpy().tolist() == [[3, 4, 5, 6], [5, 6, 7, 8]]


def test_a_run(tmp_path):
    (tmp_path / WILD.replace("/", "")).mkdir()
    run = fake_run(tmp_path / WILD.replace("/", ""), shapes={"fc1": (20, 10)}, density=0.2, epochs=3, updates=2)
    run.is_complete = True
    card = cards.run_card(run)
    (picture,), table = read(card)
    assert picture.std() > 0
    assert "<script" not in card
    assert table.loc["n links"].iloc[0] in (run.summary["n_links"], str(run.summary["n_links"]))


def test_runs_that_have_just_begun_or_continue(tmp_path):
    model = tl.sparsify(tl.training.mlp(4, [6], 2), tl.method("static", density=0.5), seed=0)
    recorder = tl.record(tmp_path / "run", model, measures=["none"])
    card = tl.Run(tmp_path / "run")._repr_html_()
    assert "run: not complete" in card
    assert "<img" not in card
    recorder.log(loss=0.25)
    (_,), table = read(tl.Run(tmp_path / "run")._repr_html_())
    assert table.loc["loss"].tolist() == [0.25]
    recorder.close()
    assert "not complete" not in tl.Run(tmp_path / "run")._repr_html_()
