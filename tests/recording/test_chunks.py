"""A history of many updates: the last ones in an open chunk, earlier ones in complete chunks, none lost in a crash."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.errors import CorruptFileError
from topolearn.evolution import EVENTS, LayerUpdate, TopologyUpdate
from topolearn.generators import erdos_renyi
from topolearn.graph import BipartiteGraph
from topolearn.recording import History
from topolearn.recording.history import chunks
from topolearn.recording.history.open_chunk import OpenChunk

SHAPES = {"a": (5, 7), "b": (6, 4)}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "MOST_UPDATES", 4)


def moved(name, graph, rng):
    """Return the graph after an update that removes two links and grows two, and the update."""
    lost = rng.permutation(graph.cells)[:2]
    kept = np.setdiff1d(graph.cells, lost)
    grown = rng.permutation(np.setdiff1d(np.arange(np.prod(graph.shape)), kept))[:2]
    none = np.empty(0, np.int64)
    cells = {"decayed": none, "removed": np.sort(lost), "percolated": none, "regrown": np.sort(grown)}
    return BipartiteGraph.from_cells(np.union1d(kept, grown), graph.n_in, graph.n_out), LayerUpdate(graph.shape, cells)


def written(path, n_updates, kept="full", seed=0, only=lambda index: tuple(SHAPES)):
    """Write a history; return the graphs after each update."""
    rng = np.random.default_rng(seed)
    graphs = {name: erdos_renyi(n_in, n_out, 0.4, seed=0) for name, (n_out, n_in) in SHAPES.items()}
    history = History(path, kept=kept)
    history.write_initial(graphs)
    states = [graphs]
    for index in range(1, n_updates + 1):
        updates = {}
        for name in only(index):
            after, updates[name] = moved(name, graphs[name], rng)
            graphs = graphs | {name: after}
        history.write(TopologyUpdate(10 * index, index, updates, 0.5))
        states.append(graphs)
    return history, states


def names(path):
    return sorted(file.name for file in path.iterdir())


def same_as(history, states):
    assert history.steps == [10 * i for i in range(len(states))]
    assert [graphs for _, graphs in history.replay()] == states


def test_many_updates_are_few_files(small_chunks, tmp_path):
    history, states = written(tmp_path, 10)
    assert names(tmp_path) == ["initial.npz", "open-000009.bin", "updates-000001.npz", "updates-000005.npz"]
    same_as(History(tmp_path), states)
    history.close()
    assert names(tmp_path) == ["initial.npz", "updates-000001.npz", "updates-000005.npz", "updates-000009.npz"]
    same_as(History(tmp_path), states)
    history.close()  # nothing is left to complete
    assert len(names(tmp_path)) == 4


def test_large_updates_are_not_gathered(monkeypatch, tmp_path):
    monkeypatch.setattr(chunks, "MOST_BYTES", 1)
    _, states = written(tmp_path, 3)
    assert names(tmp_path) == ["initial.npz", *(f"updates-00000{i}.npz" for i in (1, 2, 3))]
    same_as(History(tmp_path), states)


@pytest.mark.parametrize("kept", ["full", "snapshots", "summary"])
def test_chunks_hold_what_single_files_held(kept, small_chunks, tmp_path):
    history, _ = written(tmp_path / "chunks", 9, kept)
    chunks.MOST_UPDATES = 100
    loose, _ = written(tmp_path / "files", 9, kept)
    assert history.updates.equals(loose.updates)
    if kept == "full":
        assert history.events("b").equals(loose.events("b"))
        for mine, theirs in zip(history, loose, strict=True):
            assert (mine.step, mine.index, mine.theta) == (theirs.step, theirs.index, theirs.theta)
            assert mine.overlap == theirs.overlap
            for name, event in [(name, event) for name in SHAPES for event in EVENTS]:
                np.testing.assert_array_equal(mine[name].cells[event], theirs[name].cells[event])


@pytest.mark.parametrize("last", range(11))
def test_a_history_can_be_cut_anywhere_and_continued(last, small_chunks, tmp_path):
    _, states = written(tmp_path / "cut", 10)
    History(tmp_path / "cut").truncate(last)
    same_as(History(tmp_path / "cut"), states[: last + 1])
    rest, _ = written(tmp_path / "whole", 10)
    again = History(tmp_path / "cut")
    for update in rest:
        if update.index > last:
            again.write(update)
    same_as(History(tmp_path / "cut"), states)
    again.close()
    same_as(History(tmp_path / "cut"), states)


@examples(25)
@given(
    n_updates=st.integers(1, 13),
    concerned=st.lists(st.sampled_from([("a",), ("b",), ("a", "b")]), min_size=13, max_size=13),
    data=st.data(),
)
def test_updates_of_some_layers_are_kept_apart(n_updates, concerned, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("history")
    before, chunks.MOST_UPDATES = chunks.MOST_UPDATES, data.draw(st.integers(1, 5))
    try:
        history, states = written(path, n_updates, only=lambda index: concerned[index - 1])
        if data.draw(st.booleans()):
            history.close()
        same_as(History(path), states)
        counted = History(path).updates.groupby("layer").size().to_dict()
        for name in SHAPES:
            assert counted.get(name, 0) == sum(name in each for each in concerned[:n_updates])
        last = data.draw(st.integers(0, n_updates))
        History(path).truncate(last)
        same_as(History(path), states[: last + 1])
    finally:
        chunks.MOST_UPDATES = before


def test_a_crash_before_the_open_chunk_is_removed_changes_nothing(
    small_chunks, tmp_path, monkeypatch, tmp_path_factory
):
    unlink = Path.unlink

    def killed(path, **options):
        if path.name.startswith("open-"):
            raise KeyboardInterrupt
        unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            written(tmp_path, 4)
    assert names(tmp_path) == ["initial.npz", "open-000001.bin", "updates-000001.npz"]
    whole, states = written(tmp_path_factory.mktemp("whole"), 7)
    same_as(History(tmp_path), states[:5])
    again = History(tmp_path)
    for update in whole:
        if update.index > 4:
            again.write(update)
    same_as(History(tmp_path), states)
    again.close()
    same_as(History(tmp_path), states)
    assert names(tmp_path) == ["initial.npz", "updates-000001.npz", "updates-000005.npz"]


def test_a_chunk_that_was_cut_off_only_loses_its_own_updates(small_chunks, tmp_path):
    _, states = written(tmp_path, 9)
    file = tmp_path / "updates-000005.npz"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(CorruptFileError, match=r"updates-000005\.npz is not a readable topology history file"):
        History(tmp_path).at(10**6)
    read = iter(History(tmp_path).replay())
    assert [next(read)[1] for _ in range(5)] == states[:5]


@pytest.mark.parametrize("n_read", range(1, 8))
def test_a_reader_continues_while_a_chunk_is_completed(n_read, small_chunks, tmp_path):
    history, states = written(tmp_path, 7)
    seen, reader = [], iter(History(tmp_path).replay())
    seen += [next(reader)[1] for _ in range(n_read)]  # the first four updates are in a complete chunk
    history.close()
    seen += [graphs for _, graphs in reader]
    assert seen == states


def test_files_of_an_earlier_version_are_read_and_merged(small_chunks, tmp_path):
    _, states = written(tmp_path / "new", 3)
    (tmp_path / "old").mkdir()
    with np.load(tmp_path / "new" / "initial.npz") as head:
        np.savez(tmp_path / "old" / "initial.npz", **{name: head[name] for name in head if name != "step"})
    for index, columns in enumerate(OpenChunk(tmp_path / "new" / "open-000001.bin").read(), start=1):
        kept = {name: columns[name] for name in columns if name not in ("n_layers", "layer")}
        for name in ("step", "index", "theta"):
            kept[name] = kept[name][0]  # a number, where there is a column now
        np.savez(tmp_path / "old" / f"update-{index:06d}.npz", **kept)
    same_as(History(tmp_path / "old"), states)
    History(tmp_path / "old").close()
    assert names(tmp_path / "old") == ["initial.npz", "updates-000001.npz"]
    same_as(History(tmp_path / "old"), states)


@examples(40)
@given(data=st.data())
def test_an_open_chunk_that_was_cut_off_keeps_its_complete_updates(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("history")
    _, states = written(path, 5)
    file = path / "open-000001.bin"
    content, sizes = file.read_bytes(), []
    for index in range(1, 6):
        OpenChunk(file).keep(index)
        sizes.append(file.stat().st_size)
        file.write_bytes(content)
    cut = data.draw(st.integers(0, len(content)))
    file.write_bytes(content[:cut])
    n_whole = sum(size <= cut for size in sizes)
    same_as(History(path), states[: n_whole + 1])
    again = History(path)
    again.truncate(n_whole)
    written(path / "whole", 5)
    for update in History(path / "whole"):
        if update.index > n_whole:
            again.write(update)
    same_as(History(path), states)
