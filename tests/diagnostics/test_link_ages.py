"""Ages and survival of links, worked out by hand on a history of three updates."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from topolearn import BipartiteGraph
from topolearn import diagnostics as dg
from topolearn.errors import UndefinedMeasureError, UnknownNameError


class Events:
    """Link events given as rows (input, output), for a layer with four inputs."""

    def __init__(self, **events):
        rows = {name: events.get(name, []) for name in ("decayed", "removed", "percolated", "regrown")}
        self.cells = {name: np.array(each, dtype=np.int64).reshape(-1, 2) @ [1, 4] for name, each in rows.items()}


@dataclass
class Past:
    initial: dict
    updates: list = field(default_factory=list)

    def __iter__(self):
        return iter(self.updates)


START = BipartiteGraph.from_edges([(0, 0), (1, 0), (2, 0), (3, 0)], n_in=4, n_out=2)
UPDATES = [
    {"a": Events(removed=[(0, 0), (1, 0)], regrown=[(1, 0), (0, 1)])},  # (1, 0) returns at once: it stays alive
    {"a": Events(decayed=[(2, 0)], percolated=[(0, 1)], regrown=[(2, 1)])},
    {"a": Events(removed=[(3, 0)], regrown=[(0, 0)])},  # (0, 0) lives a second time
]
PAST = Past({"a": START}, UPDATES)


def test_lives_by_hand():
    found = dg.lifetimes(PAST, "a")
    rows = sorted(zip(found.cells.tolist(), found.born.tolist(), found.age.tolist(), found.alive.tolist(), strict=True))
    assert rows == [
        (0, 0, 0, False), (0, 3, 0, True),  # (0, 0)
        (1, 0, 3, True),  # (1, 0)
        (2, 0, 1, False),  # (2, 0)
        (3, 0, 2, False),  # (3, 0)
        (4, 1, 0, False),  # (0, 1)
        (6, 2, 1, True),  # (2, 1)
    ]  # fmt: skip


def test_ages_by_hand():
    assert dg.link_ages(PAST, "a").tolist() == [0, 3, 1]  # cells 0, 1, 6


def test_survival_by_hand():
    """2 of 6 lives ended in their first update, 1 of 3 in the second, and 1 of 2 in the third."""
    found = dg.survival(PAST, "a")
    assert found["age"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found["survival"], [1, 4 / 6, 4 / 6 * 2 / 3, 4 / 6 * 2 / 3 / 2])
    assert (found["low"] <= found["survival"]).all()
    assert (found["high"] >= found["survival"]).all()


def test_all_links_lost_and_none_lost():
    gone = dg.survival(Past({"a": START}, [{"a": Events(removed=START.edges())}]), "a")
    assert gone["survival"].tolist() == [1]
    kept = dg.survival(Past({"a": START}, [{"a": Events()}, {"a": Events()}]), "a")
    assert kept[["survival", "low", "high"]].to_numpy().tolist() == [[1, 1, 1]] * 3


def test_without_updates_there_is_no_curve_but_there_are_ages():
    with pytest.raises(UndefinedMeasureError, match="before the first topology update"):
        dg.survival(Past({"a": START}), "a")
    assert dg.link_ages(Past({"a": START}), "a").tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("measure", [dg.lifetimes, dg.link_ages, dg.survival])
def test_an_unknown_layer_is_rejected(measure):
    with pytest.raises(UnknownNameError, match="there is no sparse layer 'b'"):
        measure(PAST, "b")


def test_oldest_links_by_hand():
    table = dg.oldest_links(PAST, "a", k=2)
    assert table.to_dict("list") == {"input": [1, 2], "output": [0, 1], "age": [3, 1], "born": [0, 2]}
    assert len(dg.oldest_links(PAST, "a")) == 3
