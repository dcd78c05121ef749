"""The benchmark of updates: every method that evolves has its row, and the peers do what an update does."""

import pytest
import torch
from torch import nn

import topolearn as tl
from analysis.benchmarks.plain_updates import PLAIN, PlainLayer
from analysis.benchmarks.roofline import Peaks
from analysis.benchmarks.update_cost import table
from topolearn.evolution import METHODS

PEAKS = Peaks(1, 1e9, {"L1": 8e9, "L2": 4e9, "L3": 2e9, "memory": 1e9})
EVOLVING = [name for name, row in METHODS.items() if row.evolves]


def test_every_method_is_measured_in_each_of_its_phases():
    with torch.random.fork_rng():
        found = table(["small"], EVOLVING, torch.device("cpu"), 2, PEAKS)
    assert list(dict.fromkeys(found["method"])) == EVOLVING
    phases = found.groupby("method")["phase"].apply(list).to_dict()
    assert phases["set"] == [""]
    assert phases["gmp"] == phases["mest"] == ["at the start"]
    assert phases["chtss"] == ["at the start", "at the final density"]
    assert (found[["ms a step", "ms an update", "share of training, %"]] > 0).all(axis=None)
    assert found["share of floor, %"].between(0, 100, inclusive="neither").all()
    assert set(found.loc[found["bound by"] == "products", "method"]) == {"rigl", "rigl-soft", "srigl", "granet"}
    assert found["ms an update, plain torch"].notna().tolist() == found["method"].isin(PLAIN).tolist()


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_update_keeps_the_number_of_links(name, monkeypatch):
    layers, make = [], PlainLayer.__init__

    def kept(self, layer):
        make(self, layer)
        layers.append(self)

    monkeypatch.setattr(PlainLayer, "__init__", kept)
    model = tl.sparsify(nn.Sequential(nn.Linear(30, 40), nn.Linear(40, 2)), tl.method("set", density=0.2))
    with torch.random.fork_rng():
        update = PLAIN[name]([model[0]])
        before = layers[0].mask.clone()
        update()
    (layer,) = layers
    assert layer.mask.sum() == before.sum() == 240
    assert (layer.mask & before).sum() >= 240 - 72
    assert not layer.mask.equal(before)
    assert not layer.weight[~layer.mask].any()
    assert not layer.momentum[~layer.mask].any()
