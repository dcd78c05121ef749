"""Runs that are missing, unfinished or damaged, and questions that a run cannot answer."""

import numpy as np
import pytest

import topolearn as tl
from topolearn.errors import CorruptFileError, InvalidTypeError, InvalidValueError, MissingFileError


def test_where_there_is_no_run(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("nothing", "empty", "file"):
        with pytest.raises(MissingFileError, match=f"no run in .*{name}: a run is a directory with a config.toml"):
            tl.Run(tmp_path / name)


def test_a_run_that_has_only_begun(small, tmp_path):
    (tmp_path / "run").mkdir()
    small(tmp_path / "run").save(tmp_path / "run" / "config.toml")
    run = tl.Run(str(tmp_path / "run"))
    assert run.name == "run"
    assert not run.is_complete
    assert run.metrics.empty
    assert run.layers.empty
    assert run.history.at(0) == {}
    assert repr(run).endswith("chts on digits, 0 epochs)")
    for attribute in ("summary", "environment"):
        with pytest.raises(MissingFileError, match=f"{attribute}.json is missing: let the run continue"):
            getattr(run, attribute)
    with pytest.raises(MissingFileError, match=r"there is no checkpoint .*best"):
        run.load_model()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda run: run.load_model("first"), "which='first' must be 'best' or 'last'"),
        (lambda run: run.history.at(-1), "step=-1 must be at least 0"),
        (lambda run: run.history.at("a"), "step='a' must be an integer of at least 0"),
        (lambda run: run.history.at(None), "step=None must be an integer of at least 0"),
        (lambda run: run.history.at(1.5), "step=1.5 must be an integer of at least 0"),
        (lambda run: run.history.events("head"), "no sparse layer 'head': the run has hidden1, hidden2"),
    ],
)
def test_questions_without_an_answer(ask, message, chts):
    with pytest.raises((InvalidTypeError, InvalidValueError), match=message):
        ask(chts)


def test_an_update_of_another_version_is_named(chts, copy):
    file = copy(chts) / "topology" / "updates-000001.npz"
    with np.load(file) as stored:
        arrays = {name: array for name, array in stored.items() if name != "theta"}
    np.savez(file, **arrays)
    with pytest.raises(CorruptFileError, match=r"updates-000001.npz has no 'theta': it was written by another version"):
        tl.Run(copy.path).history.at(100)


@pytest.mark.parametrize(
    ("file", "content", "ask"),
    [
        ("metrics.csv", b'a,b\n"1,2\n3', lambda run: run.metrics),
        ("metrics.csv", b"a,b\n1,2\n", lambda run: run.metrics),
        ("layers.csv", b"\xff\xfe\x00", lambda run: run.layers),
        ("summary.json", b'{"complete": tr', lambda run: run.is_complete),
        ("config.toml", b"epochs = ", lambda run: run.config),
        ("topology/initial.npz", None, lambda run: run.history.initial),
        ("topology/updates-000001.npz", None, lambda run: run.history.at(100)),
        ("topology/updates-000001.npz", b"", lambda run: run.history.steps),
        ("topology/updates-000001.npz", b"no zip", lambda run: run.history.updates),
    ],
)
def test_damaged_files_are_named(file, content, ask, chts, copy):
    path = copy(chts) / file
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    with pytest.raises(CorruptFileError, match=path.name.replace(".", r"\.")) as raised:
        ask(tl.Run(copy.path))
    assert "\n" not in str(raised.value)
