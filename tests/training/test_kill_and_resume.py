"""A run that was stopped anywhere and resumed equals an uninterrupted run bit for bit."""

import csv
import importlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

import topolearn as tl
from tests.recording.earlier import without_manifest
from topolearn.cli import main
from topolearn.errors import InvalidValueError
from topolearn.evolution import METHODS
from topolearn.recording import Recorder
from topolearn.recording.tables.growing import Table
from topolearn.recording.writing import recorder
from topolearn.recording.writing.topology_log import TopologyLog
from topolearn.training import build, mlp, resume, trainer

record = importlib.import_module("topolearn.recording.record")  # whose function has its name in the package


def table(path):
    """Return a table as text, for exact comparison."""
    return pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="seconds", errors="ignore")


def assert_same_run(one, other):
    """Check that the files of two runs are the same, except for paths and times."""
    for which in ("last", "best"):
        first, second = (load_file(run.path / "checkpoints" / f"{which}.safetensors") for run in (one, other))
        assert first.keys() == second.keys()
        for name in first:
            assert first[name].dtype == second[name].dtype
            assert first[name].numpy().tobytes() == second[name].numpy().tobytes(), f"{name} of {which}"
    for name in ("metrics.csv", "layers.csv", "network.csv"):
        pd.testing.assert_frame_equal(table(one.path / name), table(other.path / name))
    measured = [path.read_text() for run in (one, other) if (path := run.path / "measures.csv").exists()]
    assert len(measured) == (2 if one.history.layers else 0)
    assert len(set(measured)) <= 1
    updates = [list(run.history) for run in (one, other)]
    assert [(x.step, x.index) for x in updates[0]] == [(x.step, x.index) for x in updates[1]]
    assert one.history.initial == other.history.initial
    for layer in one.history.layers:
        pd.testing.assert_frame_equal(one.history.events(layer), other.history.events(layer))
    assert one.config.with_values({"run_dir": None}) == other.config.with_values({"run_dir": None})
    summaries = [{k: v for k, v in run.summary.items() if k != "seconds"} for run in (one, other)]
    assert summaries[0] == summaries[1]
    assert one.is_complete
    assert one.environment == other.environment


# --- killed processes ------------------------------------------------------------------------------------------------

EPOCHS = 5


def command(path, method):
    words = ["train", "--method", method, "--run-dir", str(path), "--hidden", "64", "64", "--threads", "1", "--quiet"]
    words += ["--epochs", str(EPOCHS), "--batch-size", "8", "--update-interval", "30"]
    return words if method == "dense" else [*words, "--density", "0.1", "--measures", "closure"]


def position(path):
    """Finished epochs, and the topology updates after these."""
    try:
        rows, updates = (list(csv.DictReader((path / f"{name}.csv").open())) for name in ("metrics", "network"))
    except FileNotFoundError:
        return 0, 0
    return len(rows), len(updates) - 1 - sum(int(row["n_updates"]) for row in rows)  # the first is the start


def in_the_middle(path, *, evolves):
    epochs, updates = position(path)
    return epochs >= 2 and (updates > 0 or not evolves)


def kill_in_the_middle(words, path, *, evolves):
    """Start a training in another process, and kill it after two epochs, in the middle of another one."""
    process = subprocess.Popen([sys.executable, "-m", "topolearn.cli", *words], stderr=subprocess.PIPE)
    try:
        while True:
            assert process.poll() is None, f"it ended before it could be killed: {process.stderr.read().decode()}"
            if in_the_middle(path, evolves=evolves):
                os.kill(process.pid, signal.SIGSTOP)  # what is seen now is what will be left
                os.waitpid(process.pid, os.WUNTRACED)
                if in_the_middle(path, evolves=evolves):
                    break
                os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert process.returncode == -signal.SIGKILL
    return position(path)


SUFFIXES = (".csv", ".json", ".npz", ".safetensors", "")
SLOW = pytest.mark.slow  # what differs between methods is resumed without a kill below


@pytest.mark.parametrize("method", ["chts", pytest.param("set", marks=SLOW), pytest.param("dense", marks=SLOW)])
def test_a_killed_run_is_resumed_bit_for_bit(method, tmp_path, capsys):
    evolves = method != "dense"
    killed = tmp_path / "killed"
    epochs, lost = kill_in_the_middle(command(killed, method), killed, evolves=evolves)
    run = tl.Run(killed)
    assert 2 <= epochs < EPOCHS
    assert lost > 0 or not evolves
    assert not run.is_complete
    if method == "chts":
        words = [sys.executable, "-m", "topolearn.cli", "train", "--resume", str(killed), "--quiet"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    else:
        assert main(["train", "--resume", str(killed), "--quiet"]) == 0
        assert "best test accuracy" in capsys.readouterr().out
    assert main(command(tmp_path / "whole", method)) == 0
    assert_same_run(tl.Run(killed), tl.Run(tmp_path / "whole"))
    assert len(run.metrics) == EPOCHS
    assert (run.summary["n_updates"] > 0) == evolves


# --- interrupted anywhere --------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Simulates a kill."""


@pytest.fixture
def interrupt(monkeypatch):
    """Return a function that ends the run at one call of a function, before or after the call."""

    def at(owner, name, call, *, after):
        function, calls = getattr(owner, name), [0]

        def stopping(*args, **words):
            calls[0] += 1
            if calls[0] == call and not after:
                raise Killed
            result = function(*args, **words)
            if calls[0] == call:
                raise Killed
            return result

        monkeypatch.setattr(owner, name, stopping)

    return at


@pytest.fixture
def stopped(small, tmp_path, interrupt, monkeypatch):
    """Return the directory of a run that ended in its second epoch."""
    interrupt(TopologyLog, "record", 7, after=True)
    with pytest.raises(Killed):
        tl.train(small(tmp_path / "run"), quiet=True)
    monkeypatch.undo()
    return tmp_path / "run"


OFTEN = (
    "after the first update",
    "when the tables of the second epoch are written",
    "in the last summary",
    "between the first best and last checkpoint",
    "before the first table",
    "between the rows of an update",
    "before the recording is known to have begun",
)  # the others are run by hand
POINTS = {
    "before the first update": (TopologyLog, "record", 1, False),
    "after the first update": (TopologyLog, "record", 1, True),
    "in the second epoch": (TopologyLog, "record", 7, True),
    "in the last epoch": (TopologyLog, "record", 13, False),
    "between the rows of an update": (Table, "append", 7, True),
    "when the tables of the first epoch are written": (Recorder, "log", 1, True),
    "when the tables of the second epoch are written": (Recorder, "log", 2, True),
    "before the first checkpoint": (trainer, "save_checkpoint", 1, False),
    "between the first best and last checkpoint": (trainer, "save_checkpoint", 1, True),
    "in the first summary": (recorder, "write_json", 1, False),
    "in the last summary": (recorder, "write_json", 3, False),
    "when all is done but said": (recorder, "write_json", 3, True),
    "before the environment is written": (record, "write_json", 1, False),
    "before the first table": (Recorder, "start", 1, False),
    "before the recording is known to have begun": (record, "write_json", 2, False),
}


@pytest.mark.parametrize("point", [pytest.param(p, marks=() if p in OFTEN else SLOW) for p in POINTS])
def test_a_run_interrupted_anywhere_is_resumed_bit_for_bit(point, chts, small, tmp_path, interrupt, monkeypatch):
    owner, name, call, after = POINTS[point]
    interrupt(owner, name, call, after=after)
    with pytest.raises(Killed):
        tl.train(small(tmp_path / "run"), quiet=True)
    monkeypatch.undo()
    assert tl.Run(tmp_path / "run").is_complete == (point == "when all is done but said")
    resume(tmp_path / "run", quiet=True)
    assert_same_run(tl.Run(tmp_path / "run"), chts)


def test_a_training_in_another_process_is_left_alone(small, tmp_path, interrupt, monkeypatch, tree):
    interrupt(TopologyLog, "record", 1, after=True)
    with pytest.raises(Killed):
        tl.train(small(tmp_path / "run"), quiet=True)
    monkeypatch.undo()
    with FileLock(tmp_path / "run" / ".lock"):
        before = tree(tmp_path)
        with pytest.raises(InvalidValueError, match="is in use by another process"):
            resume(tmp_path / "run", quiet=True)
        assert tree(tmp_path) == before


def test_a_run_is_resumed_twice(chts, small, tmp_path, interrupt, monkeypatch):
    for call, start in ((5, lambda: tl.train(small(tmp_path / "run"), quiet=True)), (6, None)):
        interrupt(TopologyLog, "record", call, after=True)
        with pytest.raises(Killed):
            (start or (lambda: resume(tmp_path / "run", quiet=True)))()
        monkeypatch.undo()
    assert_same_run(resume(tmp_path / "run", quiet=True), chts)


@pytest.mark.parametrize(
    "values",
    [{"backend": "masked"}, {"momentum": 0}, {"precision": "bf16"}, {"update_interval": 2, "epochs": 2}],
    ids=str,
)
def test_other_settings_are_resumed_bit_for_bit(values, small, tmp_path, interrupt, monkeypatch):
    interrupt(TopologyLog, "record", 25 if "update_interval" in values else 7, after=True)
    with pytest.raises(Killed):
        tl.train(small(tmp_path / "run", **values), quiet=True)
    monkeypatch.undo()
    torch.manual_seed(7)  # no state of this process matters
    resumed = resume(tmp_path / "run", quiet=True)
    assert_same_run(resumed, tl.train(small(tmp_path / "whole", **values), quiet=True))


APART = ("rigl", "srigl", "deepr", "topkast", "gmp")  # those that remember most, each in its way


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=() if name in APART else SLOW)
        for name, row in METHODS.items()
        if row.evolves and name != "chts"
    ],
)
def test_every_method_is_resumed_bit_for_bit(method, small, tmp_path, interrupt, monkeypatch):
    values = {"method": method, "update_interval": 5, "epochs": 3, "measures": ("closure",)}
    interrupt(Recorder, "log", 2, after=False)
    with pytest.raises(Killed):
        tl.train(small(tmp_path / "run", **values), quiet=True)
    monkeypatch.undo()
    resumed = resume(tmp_path / "run", quiet=True)
    assert resumed.summary["n_updates"] > 2
    assert_same_run(resumed, tl.train(small(tmp_path / "whole", **values), quiet=True))


def test_a_model_that_draws_is_resumed_bit_for_bit(small, tmp_path, interrupt, monkeypatch):
    """Dropout is the only user of torch's global random state."""

    def mlp_with_dropout(*sizes, **options):
        model = mlp(*sizes, **options)
        model.relu1 = torch.nn.Dropout()
        return model

    def restart():
        monkeypatch.undo()
        monkeypatch.setattr(build, "mlp", mlp_with_dropout)

    restart()
    whole = tl.train(small(tmp_path / "whole"), quiet=True)
    interrupt(TopologyLog, "record", 7, after=True)
    with pytest.raises(Killed):
        tl.train(small(tmp_path / "run"), quiet=True)
    restart()
    assert_same_run(resume(tmp_path / "run", quiet=True), whole)


def test_half_written_files_do_not_matter(chts, stopped):
    aside = ".0123456789abcdef"
    half = [stopped / place / f"{aside}{suffix}" for place in (".", "topology", "checkpoints") for suffix in SUFFIXES]
    for file in half:
        file.write_bytes(b"PK half a file")
    assert_same_run(resume(stopped, quiet=True), chts)
    assert not any(file.exists() for file in half)


def test_a_run_older_than_some_parts_of_its_method_has_their_defaults(chts, stopped):
    config = stopped / "config.toml"
    whole = config.read_text()
    older = [line for line in whole.splitlines() if not line.startswith(("weight_scale =", "input_generator ="))]
    assert len(older) == len(whole.splitlines()) - 2
    config.write_text("\n".join(older))
    without_manifest(stopped)
    resume(stopped, quiet=True)
    assert config.read_text() == "\n".join(older)
    config.write_text(whole)
    assert_same_run(tl.Run(stopped), chts)


def test_the_clock_continues_and_updates_are_not_counted_twice(stopped):
    before = json.loads((stopped / "summary.json").read_text())
    assert (before["epochs"], before["complete"], before["n_updates"]) == (1, False, 4)
    run = resume(stopped, quiet=True)
    assert run.summary["seconds"] == pytest.approx(run.metrics["seconds"].sum())
    assert run.summary["seconds"] > before["seconds"]
    assert run.summary["n_updates"] == len(run.history.steps) - 1 == run.metrics["n_updates"].sum()
    assert np.array_equal(run.metrics["epoch"], [1, 2, 3])


# --- what is not resumed ---------------------------------------------------------------------------------------------


def test_a_complete_run_is_not_resumed(chts, copy, tree, capsys):
    before = tree(copy(chts))
    assert main(["train", "--resume", str(copy.path)]) == 2
    assert capsys.readouterr().err.startswith(f"topolearn: error: run {copy.path} is complete: start another")
    assert tree(copy.path) == before


@pytest.mark.parametrize(
    "words",
    [["--epochs", "9"], ["--set", "zeta=0.1"], ["--run-dir", "x"], ["--density", "0.1"], ["experiment.toml"]],
    ids=str,
)
def test_resume_takes_no_other_options(words, chts, copy, tree, capsys):
    before = tree(copy(chts))
    assert main(["train", *words, "--resume", str(copy.path)]) == 2
    assert capsys.readouterr().err.startswith("topolearn: error: --resume takes no options other than")
    assert tree(copy.path) == before
