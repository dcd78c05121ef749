"""Kinds of history: every link event, snapshots, or a summary; and how they are packed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topolearn as tl
from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.evolution import EVENTS, LayerUpdate, TopologyUpdate
from topolearn.recording.history.columns import pack, unpack
from topolearn.training import History

KINDS = ("full", "snapshots", "summary")
START = {
    "wide": tl.BipartiteGraph.from_edges([(0, 0), (4, 1)], n_in=5, n_out=2),
    "tall": tl.BipartiteGraph.from_edges([(1, 6)], n_in=2, n_out=7),
}


def layer_update(graph, **events):
    """Return an update of events given as rows (input, output)."""
    rows = {event: np.array(events.get(event, []), dtype=np.int64).reshape(-1, 2) for event in EVENTS}
    return LayerUpdate(graph.shape, {event: np.sort(each @ [1, graph.n_in]) for event, each in rows.items()})


def update(index, step, **events):
    return TopologyUpdate(step, index, {n: layer_update(g, **events.get(n, {})) for n, g in START.items()}, theta=0.4)


FIRST = update(1, 10, wide={"removed": [(0, 0), (4, 1)], "regrown": [(0, 0), (2, 1)]}, tall={"decayed": [(1, 6)]})
SECOND = update(2, 20, wide={"percolated": [(2, 1)]}, tall={"regrown": [(0, 0)]})


def written(path, kept):
    history = History(path, kept=kept)
    history.write_initial(START)
    history.write(FIRST)
    history.snapshot(15, {"wide": tl.BipartiteGraph.from_edges([(0, 0), (2, 1)], 5, 2), "tall": empty(2, 7)})
    history.write(SECOND)
    return History(path)


def empty(n_in, n_out):
    return tl.BipartiteGraph.from_cells([], n_in, n_out)


@examples(60)
@given(
    st.lists(st.tuples(st.integers(1, 2**40), st.lists(st.integers(0, 2**50), max_size=30, unique=True)), max_size=4)
)
def test_what_is_packed_is_unpacked(lists):
    shapes = [(2**50 // n_in + 1, n_in) for n_in, _ in lists]
    cells = [np.array(sorted(each), dtype=np.int64) for _, each in lists]
    if lists:
        for before, after in zip(cells, unpack(pack(cells, shapes), shapes), strict=True):
            np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("kept", KINDS)
def test_every_kind_knows_what_it_is_and_counts_events(kept, tmp_path):
    history = written(tmp_path, kept)
    assert (history.kept, history.layers, history.steps) == (kept, ["wide", "tall"], [0, 10, 20])
    table = history.updates
    assert table[["removed", "decayed", "percolated", "regrown"]].to_numpy().tolist() == [
        [2, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1],
    ]  # fmt: skip
    assert table["overlap"].tolist() == [0.5, 0, 0, 0]
    assert table["elm"].tolist() == [True, False, False, False]


def test_a_full_history_is_replayed_exactly(tmp_path):
    history = written(tmp_path, "full")
    assert [u.to_frame().to_dict() for u in history] == [u.to_frame().to_dict() for u in (FIRST, SECOND)]
    for mine, theirs in zip(history, (FIRST, SECOND), strict=True):
        for layer in START:
            for event in EVENTS:
                np.testing.assert_array_equal(getattr(mine[layer], event), getattr(theirs[layer], event))
    replayed = [(step, graphs["wide"].edges().tolist()) for step, graphs in history.replay()]
    assert replayed == [(0, [[0, 0], [4, 1]]), (10, [[0, 0], [2, 1]]), (20, [[0, 0]])]
    assert history.at(12)["tall"].n_links == 0
    assert history.at(25)["tall"].edges().tolist() == [[0, 0]]
    assert history.initial == START


def test_snapshots_are_exact_or_rejected(tmp_path):
    history = written(tmp_path, "snapshots")
    assert history.snapshots == [0, 15]
    assert history.at(0) == history.at(9) == START
    assert history.at(15)["wide"].edges().tolist() == history.at(19)["wide"].edges().tolist() == [[0, 0], [2, 1]]
    for step in (10, 14, 20, 99):
        message = rf"does not have the graphs of step {step} \(it keeps only the graphs of steps 0, 15"
        with pytest.raises(InvalidValueError, match=message):
            history.at(step)
    with pytest.raises(InvalidValueError, match=r"history='snapshots' and does not have the links of updates"):
        history.events("wide")


def test_a_summary_keeps_no_link(tmp_path):
    history = written(tmp_path, "summary")
    for ask in (lambda: history.initial, lambda: history.at(0), lambda: history.events("wide"), lambda: list(history)):
        message = r"history='summary' and does not have .*\(it keeps no graphs\): train with"
        with pytest.raises(InvalidValueError, match=message):
            ask()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 5000


@pytest.mark.parametrize("kept", KINDS)
def test_later_updates_and_snapshots_are_cut_off(kept, tmp_path):
    history = written(tmp_path, kept)
    history.truncate(1)
    assert history.steps == [0, 10]
    assert len(list(tmp_path.glob("snapshot-*"))) == (kept == "snapshots")
    history.truncate(0)
    assert history.steps == [0]
    assert not list(tmp_path.glob("snapshot-*"))


@pytest.mark.parametrize("kept", [pytest.param("snapshots", marks=pytest.mark.slow), "summary"])
def test_a_run_with_less_of_a_history_trains_the_same_and_has_a_report(kept, small, chts, tmp_path):
    from topolearn.recording.report import write_report

    run = tl.train(small(tmp_path / "run", history=kept), quiet=True)
    assert run.metrics["test_loss"].tolist() == chts.metrics["test_loss"].tolist()
    assert run.history.updates.equals(chts.history.updates)
    if kept == "snapshots":
        last = int(run.metrics["step"].iloc[-1])
        assert run.history.snapshots == [0, *run.metrics["step"]]
        assert run.history.at(last) == chts.history.at(last)
        assert dict(run.history.replay()) == {step: chts.history.at(step) for step in run.history.graph_steps}
    assert "<html" in write_report(run).read_text()


def test_an_unknown_kind_is_rejected(tmp_path, small):
    with pytest.raises(InvalidValueError, match=r"history='all' must be one of 'full', 'snapshots', 'summary'"):
        History(tmp_path, kept="all")
    with pytest.raises(InvalidValueError, match=r"history='fulll' is unknown: did you mean 'full'"):
        small(tmp_path / "run", history="fulll")
