"""A run continues unchanged, or reports what has changed; only one process at a time may write it."""

import re
import subprocess
import sys
import warnings
from dataclasses import replace

import pytest
import torch

import topolearn as tl
from tests.recording.earlier import without_manifest
from tests.training.test_kill_and_resume import Killed, assert_same_run
from topolearn.errors import ChangedRunError, CorruptFileError, InvalidValueError, MissingFileError
from topolearn.recording.writing.topology_log import TopologyLog
from topolearn.training import Dataset, load_dataset

HOLDING = """
import sys, topolearn as tl
from pathlib import Path
from topolearn.recording.writing.holding import Hold
with Hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def stopped(small, tmp_path, monkeypatch):
    """A run that was killed in its third epoch."""
    record, calls = TopologyLog.record, []

    def killed(self, update):
        record(self, update)
        calls.append(update)
        if len(calls) == 6:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(TopologyLog, "record", killed)
        with pytest.raises(Killed):
            tl.train(small(tmp_path / "run"), quiet=True)
    return tmp_path / "run"


def edited(path, old, new):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


@pytest.mark.parametrize("field", ["lr", "seed"])
def test_an_edited_configuration_is_reported_and_used_if_accepted(field, stopped, tree):
    line = re.search(rf"^{field} = (\d+(?:\.\d+)?)$", (stopped / "config.toml").read_text(), re.MULTILINE)
    edited(stopped / "config.toml", line[0], f"{field} = {float(line[1]) * 2 if field == 'lr' else 7}")
    before = tree(stopped)
    with pytest.warns(UserWarning, match="config.toml"), pytest.raises(ChangedRunError, match=r"config\.toml has"):
        tl.resume(stopped, quiet=True)
    assert tree(stopped) == before
    with pytest.warns(UserWarning, match="config.toml"):
        run = tl.resume(stopped, accept_changes=True, quiet=True)
    assert run.is_complete
    assert "config.toml" in run.environment["accepted"][0]


def test_other_data_are_reported(small, tmp_path, stopped, chts):
    digits = load_dataset("digits")
    other = replace(digits, train_x=digits.train_x.flip(0), train_y=digits.train_y.flip(0))
    with pytest.raises(ChangedRunError, match="the checksum of its data differs"):
        tl.resume(stopped, data=other, quiet=True)
    assert_same_run(tl.resume(stopped, data=digits, quiet=True), chts)


def test_accepted_data_become_the_data_of_the_run(stopped):
    digits = load_dataset("digits")
    other = replace(digits, train_x=digits.train_x.flip(0), train_y=digits.train_y.flip(0))
    run = tl.resume(stopped, data=other, accept_changes=True, quiet=True)
    assert run.environment["data"] == other.checksum()
    assert run.environment["accepted"] == ["the checksum of its data differs"]
    tl.resume(stopped, data=other, quiet=True)  # which asks no more
    with pytest.raises(ChangedRunError, match="the checksum of its data differs"):
        tl.resume(stopped, data=digits, quiet=True)


def test_a_lost_manifest_is_reported(stopped, chts):
    kept = (stopped / "manifest.jsonl").read_bytes()
    (stopped / "manifest.jsonl").unlink()
    with pytest.warns(UserWarning, match=r"manifest\.jsonl is missing"), pytest.raises(ChangedRunError) as raised:
        tl.resume(stopped, quiet=True)
    assert "manifest.jsonl is missing" in str(raised.value)
    (stopped / "manifest.jsonl").write_bytes(kept)
    assert_same_run(tl.resume(stopped, quiet=True), chts)


def test_the_checksum_of_data_depends_on_all_of_it_and_on_nothing_else():
    x, y = torch.arange(8.0).reshape(4, 2), torch.tensor([0, 1, 0, 1])
    data = Dataset("toy", x, y, x, y)
    assert Dataset("other", x.clone(), y, x, y).checksum() == data.checksum()
    for name in ("train_x", "train_y", "test_x", "test_y"):
        assert replace(data, **{name: getattr(data, name).flip(0)}).checksum() != data.checksum(), name
    assert replace(data, train_x=x.double()).checksum() != data.checksum()


def test_lost_checkpoints_are_reported_and_earlier_files_kept(stopped, chts):
    for file in (stopped / "checkpoints").iterdir():
        file.unlink()
    with pytest.raises(ChangedRunError, match=r"best\.safetensors is missing; checkpoints/last\.safetensors is miss"):
        tl.resume(stopped, quiet=True)
    with pytest.warns(UserWarning, match=r"starts again; its 1 rows of metrics and \d updates are kept in .*dropped-1"):
        run = tl.resume(stopped, accept_changes=True, quiet=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(tl.Run(stopped / "dropped-1").metrics) == 1
    assert run.metrics.drop(columns="seconds").equals(chts.metrics.drop(columns="seconds"))


def test_lost_checkpoints_of_a_run_without_a_manifest_are_reported(stopped):
    without_manifest(stopped)
    for file in (stopped / "checkpoints").iterdir():
        file.unlink()
    with pytest.raises(MissingFileError, match=r"has 1 rows of metrics, but no checkpoint to continue from: restore"):
        tl.resume(stopped, quiet=True)


def test_a_lost_history_is_reported_even_if_changes_are_accepted(stopped, tree):
    for file in (stopped / "topology").iterdir():
        file.unlink()
    (stopped / "topology").rmdir()
    with pytest.raises(ChangedRunError, match=r"topology/initial\.npz is missing"):
        tl.resume(stopped, quiet=True)
    before = tree(stopped)
    with pytest.raises(CorruptFileError, match=r"topology is missing, and the run .* cannot continue without it"):
        tl.resume(stopped, accept_changes=True, quiet=True)
    assert tree(stopped) == before


def test_a_second_writer_gets_the_name_of_the_first(stopped, chts, tree):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(stopped)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        before = tree(stopped)
        for second in (tl.resume, lambda path, quiet: tl.resume(path, accept_changes=True, quiet=quiet)):
            with pytest.raises(InvalidValueError, match=rf"is in use by process {process.pid}, since 2\d+-"):
                second(stopped, quiet=True)
        assert tree(stopped) == before
        process.kill()
        process.wait()
    assert_same_run(tl.resume(stopped, quiet=True), chts)  # a lock ends with its process


@pytest.mark.parametrize("left", [[], [".lock"], [".0123456789abcdef.toml"], ["checkpoints/"]])
def test_a_run_that_was_killed_before_its_configuration_was_written_can_be_started_again(left, small, tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    for name in left:
        (path / name).mkdir() if name.endswith("/") else (path / name).write_text("{")
    assert tl.train(small(path, epochs=1), quiet=True).is_complete
    assert [each.name for each in path.glob(".*")] == [".lock"]
