"""A history with intact files that do not fit each other is reported as corrupt, with file and update."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recording.test_chunks import written
from topolearn.errors import CorruptFileError
from topolearn.recording import History
from topolearn.recording.history import chunks
from topolearn.recording.history.columns import read_columns, write_columns


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    path, before = tmp_path_factory.mktemp("history"), chunks.MOST_UPDATES
    chunks.MOST_UPDATES = 4
    try:
        written(path, 10)  # three files, of which the last is open
    finally:
        chunks.MOST_UPDATES = before
    return path


@pytest.fixture
def path(originals, tmp_path):
    return shutil.copytree(originals, tmp_path / "topology")


def read(path, n_recorded=0):
    """Read the whole history."""
    history = History(path, n_recorded=lambda: n_recorded)
    return history.steps, history.updates, list(history), list(history.replay())


def edit(file, change):
    columns, _ = read_columns(file)
    write_columns(file, change(columns) or columns)


def column(name, value, place=0):
    def change(columns):
        columns[name] = columns[name].astype(np.int64 if columns[name].dtype.kind in "iu" else np.float64)
        columns[name][place] = value

    return change


def without(name):
    return lambda columns: {key: each for key, each in columns.items() if key != name}


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("updates-000005.npz", column("index", 7), "index does not increase by 1"),
        ("updates-000005.npz", column("step", 10**6), "step decreases"),
        ("updates-000005.npz", column("step", 3), "does not follow update 4 at step 40"),
        ("updates-000005.npz", column("theta", np.nan), "theta ranges from nan"),
        ("updates-000005.npz", column("overlap", 1.5), "overlap ranges from"),
        ("updates-000005.npz", column("layer", 1), "the same layer twice"),
        ("updates-000005.npz", column("layer", 2**40), "layer ranges from"),
        ("updates-000005.npz", column("n_layers", 9), "n_layers ranges from"),
        ("updates-000005.npz", column("count", 10**12), "count ranges from .* to 1000000000000"),
        ("updates-000005.npz", column("count", 1, 1), "steps has 16 numbers"),
        ("updates-000005.npz", column("first", -1), "first ranges from -1"),
        ("updates-000005.npz", column("steps", 0), "steps ranges from 0"),
        ("updates-000005.npz", column("steps", 34), "a list contains link"),
        ("updates-000005.npz", lambda columns: {**columns, "count": columns["count"] * 1.0}, "must be integers"),
        (
            "updates-000005.npz",
            lambda columns: {**columns, "first": columns["first"][:, None]},
            "has shape .32, 1.",
        ),
        ("updates-000005.npz", without("steps"), "has no 'steps'"),
        ("initial.npz", column("shapes", 10**12), "has impossible sizes: "),
        ("initial.npz", column("shapes", 4), "ranges from|a list contains link"),
        ("initial.npz", lambda columns: {**columns, "layers": np.array(["a", "a"])}, "distinct names"),
        ("initial.npz", lambda columns: {**columns, "kept": np.array("all")}, "kept is all"),
        ("initial.npz", column("count", 10**12), "count ranges from"),
        ("initial.npz", without("shapes"), "do not fit"),
    ],
)
def test_columns_that_do_not_fit_are_rejected_with_file_and_reason(name, change, reason, path):
    edit(path / name, change)
    with pytest.raises(CorruptFileError, match=reason) as raised:
        read(path)
    assert str(path / name) in str(raised.value) or name == "initial.npz"
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("removed", "n_recorded", "reason"),
    [
        ("initial.npz", 0, r"initial\.npz is missing"),
        ("updates-000001.npz", 0, "updates-000005.npz begins with update 5, but the file of update 1 to 4 is missing"),
        ("updates-000005.npz", 0, r"open-000009\.bin begins with update 9, but the file of update 5 to 8 is missing"),
        ("open-000009.bin", 10, "ends with update 8, but the tables of the run reach update 10"),
    ],
)
def test_a_missing_file_is_detected(removed, n_recorded, reason, path):
    (path / removed).unlink()
    with pytest.raises(CorruptFileError, match=reason):
        read(path, n_recorded)


def test_files_that_were_swapped_are_rejected(path):
    one, other = path / "updates-000001.npz", path / "updates-000005.npz"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    with pytest.raises(CorruptFileError, match="its name says update 1, but it begins with 5"):
        read(path)


def test_removing_links_that_do_not_exist_is_rejected_on_replay(path, tmp_path):
    written(tmp_path / "other", 10, seed=1)
    shutil.copy(tmp_path / "other/initial.npz", path)
    shutil.copy(tmp_path / "other/open-000001.bin", path)
    edit(path / "updates-000005.npz", column("first", 0, 3))
    with pytest.raises(CorruptFileError, match=r"updates-000005.npz .*update 5 \(step 50\)|of layer"):
        list(History(path).replay())


def test_an_altered_update_before_the_last_is_not_taken_for_a_kill(path):
    file = path / "open-000009.bin"
    data = bytearray(file.read_bytes())
    data[60] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(CorruptFileError, match=r"open-000009\.bin .*at byte 0, is altered"):
        read(path)


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0, 1))
def test_an_open_file_that_was_cut_anywhere_keeps_its_complete_updates(share, originals, tmp_path_factory):
    path = shutil.copytree(originals, tmp_path_factory.mktemp("cut") / "topology")
    file = path / "open-000009.bin"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    assert len(read(path)[0]) == 11 if share == 1 else len(read(path)[0]) in (9, 10)
