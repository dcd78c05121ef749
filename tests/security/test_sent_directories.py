"""A run or study received from others: nothing in it is executed, and nothing is written outside its directory."""

import hashlib
import importlib.util
import json
import os
import pickle
import sys
import types
from pathlib import Path

import pytest
import torch

import topolearn as tl
from tests.security.payloads import Payload
from tests.studies.small import small_study
from topolearn.confined import check_confined, private_folder
from topolearn.errors import CorruptFileError, UnsafePathError
from topolearn.recording.report import write_report
from topolearn.studies import run_study
from topolearn.studies.executors import Plan
from topolearn.studies.executors.slurm import on_slurm
from topolearn.studies.work import Outcome
from topolearn.tasks.checkpoints import best_checkpoint
from topolearn.training.run_directory import loggers_of

TINY = {"epochs": 2, "hidden": (8,), "batch_size": 256, "measures": ("none",), "threads": 1}


@pytest.fixture
def run(tmp_path):
    """A finished run."""
    return tl.train(tl.TrainConfig(run_dir=str(tmp_path / "run"), **TINY), quiet=True)


# --- pickles of an executor -------------------------------------------------------------------------------------------


class Job:
    """A job of the stand-in for submitit, whose outcome is a pickle in the folder, as in submitit."""

    def __init__(self, folder, name, work, item):
        self.file = Path(folder) / f"{name}_0_result.pkl"
        if not self.file.exists():
            self.file.write_bytes(pickle.dumps(work(item)))

    def done(self):
        return self.file.exists()

    def exception(self):
        return None

    def result(self):
        return pickle.loads(self.file.read_bytes())

    def cancel(self, check):
        """Nothing runs."""


@pytest.fixture
def submitit(monkeypatch):
    """A stand-in for submitit that does work immediately, and stores outcomes where submitit does."""

    class AutoExecutor:
        def __init__(self, folder, cluster):
            self.folder = folder

        def update_parameters(self, **options):
            """Takes any."""

        def map_array(self, work, items):
            return [Job(self.folder, name, work.work, item) for name, item in enumerate(items)]

    monkeypatch.setitem(sys.modules, "submitit", types.SimpleNamespace(AutoExecutor=AutoExecutor))


def carried_out(item):
    """The outcome of work in the tests of executors."""
    return Outcome("done", str(item))


def test_pickles_in_a_sent_study_are_not_read(submitit, tmp_path):
    study, mark = tmp_path / "study", tmp_path / "ran"
    (study / "slurm").mkdir(parents=True)
    for name in range(3):
        (study / "slurm" / f"{name}_0_result.pkl").write_bytes(pickle.dumps(Payload(mark)))
    outcomes = dict(on_slurm(carried_out, [0, 1], Plan(2, 1, study, {"cluster": "local"})))
    assert {item: outcome.error for item, outcome in outcomes.items()} == {0: "0", 1: "1"}
    assert not mark.exists()
    [session] = [each for each in (study / "slurm").iterdir() if each.is_dir()]
    assert session.stat().st_mode & 0o777 == 0o700
    assert list(session.glob("*.pkl")) == []  # nor are those of a session left for anyone


def test_a_study_that_others_may_change_is_rejected_if_pickles_are_used(submitit, tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    study.chmod(0o777)
    with pytest.raises(UnsafePathError, match=r"may be changed by other users.* chmod go-w"):
        list(on_slurm(carried_out, [0], Plan(1, 1, study, {"cluster": "local"})))
    own = {"cluster": "local", "folder": str(tmp_path / "own")}
    assert len(list(on_slurm(carried_out, [0], Plan(1, 1, study, own)))) == 1


@pytest.mark.parametrize("there", ["folder", "link"])
def test_a_private_folder_is_always_new(there, tmp_path):
    path = tmp_path / "session"
    if there == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path)
    with pytest.raises(tl.errors.InvalidValueError, match="cannot be created"):
        private_folder(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_of_another_user_is_rejected(tmp_path):
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 12345, 12345)
    with pytest.raises(UnsafePathError, match="may be changed by other users"):
        private_folder(tmp_path / "theirs" / "session")


def fake_dask(monkeypatch, asked):
    class LocalCluster:
        def __init__(self, *places, **options):
            asked.append((places, options))
            raise KeyboardInterrupt  # that is all the test wants to know

    security = types.SimpleNamespace(Security=types.SimpleNamespace(temporary=lambda: "a certificate"))
    distributed = types.SimpleNamespace(LocalCluster=LocalCluster, security=security)
    monkeypatch.setitem(sys.modules, "dask", types.SimpleNamespace(distributed=distributed))


@pytest.mark.parametrize("has_certificates", [True, False])
def test_our_scheduler_listens_on_loopback_and_requires_a_certificate(has_certificates, tmp_path, monkeypatch):
    from topolearn.studies.executors import dask

    asked = []
    fake_dask(monkeypatch, asked)
    monkeypatch.setattr(dask, "find_spec", lambda name: object() if has_certificates else None)
    with pytest.raises(KeyboardInterrupt):
        list(dask.on_dask(carried_out, [0], Plan(2, 1, tmp_path)))
    [(places, options)] = asked
    assert (places, options["host"], options["dashboard_address"]) == ((), "127.0.0.1", None)
    assert options["security"] == ("a certificate" if has_certificates else None)


# --- what the configuration of a sent run decides ---------------------------------------------------------------------


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="needs tensorboard")
def test_the_directory_that_is_resumed_decides_where_tensorboard_writes(tmp_path):
    config = tl.TrainConfig(run_dir=str(tmp_path / "elsewhere"), tensorboard=True)
    [logger] = loggers_of(config, tmp_path / "run", ())
    assert logger.path == tmp_path / "run" / "tensorboard"


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="needs tensorboard")
def test_a_resume_only_writes_into_the_run(tmp_path, monkeypatch):
    run = tl.train(tl.TrainConfig(run_dir=str(tmp_path / "run"), **TINY), quiet=True)
    file = run.path / "config.toml"
    text = replace_line(file.read_text(), "run_dir", tmp_path / "elsewhere")
    file.write_text(text.replace("tensorboard = false", "tensorboard = true"))
    tl.resume(run.path, accept_changes=True, quiet=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def replace_line(text, name, value):
    """Return a TOML text with another value for an option."""
    return "".join(f'{name} = "{value}"\n' if line.startswith(f"{name} =") else line for line in text.splitlines(True))


# --- links ------------------------------------------------------------------------------------------------------------

LINKED = (
    "metrics.csv", "config.toml", "summary.json", ".lock", "report.html", "figures", "checkpoints", "topology",
    "tensorboard",
)  # fmt: skip


def link_out(path, elsewhere):
    """Replace a path by a symbolic link to a file or folder outside its directory."""
    if path.suffix or path.name == ".lock":
        elsewhere.write_text(path.read_text() if path.is_file() else "precious")
        path.unlink(missing_ok=True)
    else:
        path.rename(elsewhere) if path.exists() else elsewhere.mkdir()
    path.symlink_to(elsewhere)


def contents(folder):
    """Return the whole content of a folder or a file."""
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path, path.read_bytes()) for path in files]


@pytest.mark.parametrize("name", LINKED)
def test_a_run_with_a_link_out_of_it_is_not_resumed(name, run, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    link_out(run.path / name, elsewhere)
    before = contents(elsewhere)
    for write in (lambda: tl.resume(run.path, quiet=True), lambda: write_report(run)):
        with pytest.raises(UnsafePathError, match="is a link that leads out of its directory"):
            write()
    assert contents(elsewhere) == before


def test_a_link_within_a_run_is_allowed(run):
    (run.path / "best").symlink_to(run.path / "checkpoints")
    check_confined(run.path)
    (run.path.parent / "by another name").symlink_to(run.path)
    assert tl.resume(run.path.parent / "by another name", quiet=True).is_complete


def test_a_recorded_loop_is_not_continued_through_a_link(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.csv").symlink_to(tmp_path / "precious")
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "precious")
    (tmp_path / "precious").write_text("mine\n")
    layer = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
    with pytest.raises(UnsafePathError):
        tl.record(tmp_path / "run", layer, measures=(), resume=True)
    assert (tmp_path / "precious").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["study.toml", "results.csv", "locks", "errors"])
def test_a_study_with_a_link_out_of_it_is_not_run(name, tmp_path):
    study, elsewhere = small_study(settings=[{"label": "SET", "method": "set"}]), tmp_path / "elsewhere"
    run_study(study, tmp_path / "study", quiet=True)
    link_out(tmp_path / "study" / name, elsewhere)
    before = contents(elsewhere)
    with pytest.raises(UnsafePathError, match="is a link that leads out of its directory"):
        run_study(study, tmp_path / "study", quiet=True)
    assert contents(elsewhere) == before


# --- names within files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["../../elsewhere", "1/../../x", 1.5])
def test_a_checkpoint_is_one_of_the_run(step, tmp_path):
    folder = tmp_path / "checkpoints" / "checkpoint-1"
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps({"best_global_step": step}))
    with pytest.raises(CorruptFileError, match=r"best_global_step=.*, not a number"):
        best_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"dtype": "O"}, {"dtype": "<f8"}, {"shards": [{"file": "../secret", "n_tokens": 1, "sha256": ""}]}, {"shards": []},
     {"shards": [{"file": "/etc/passwd", "n_tokens": 1, "sha256": ""}]}, {"n_words": None}, {"shards": 3}],
)  # fmt: skip
def test_tokens_are_files_of_their_folder_and_whole_numbers(change, tmp_path):
    from topolearn.tasks.language import TokenShards

    tokens = b"\x01\x00\x02\x00"
    index = {"format": 1, "key": "k", "tokenizer": "t", "end": 0, "n_tokens": 2, "n_documents": 1, "n_words": 1}
    index |= {"n_bytes": 2, "dtype": "<u2"}
    index["shards"] = [{"file": "00000.bin", "n_tokens": 2, "sha256": hashlib.sha256(tokens).hexdigest()}]
    (tmp_path / "00000.bin").write_bytes(tokens)
    (tmp_path / "index.json").write_text(json.dumps(index))
    assert len(TokenShards(tmp_path)) == 2
    (tmp_path / "index.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(CorruptFileError, match="is not an index of tokens"):
        TokenShards(tmp_path)


def test_tokens_of_a_sent_run_are_not_written_where_it_says(tmp_path, monkeypatch):
    from topolearn.tasks.language import Text, learn_tokenizer
    from topolearn.tasks.language.shards import cache_to_resume, cached_shards, default_cache

    (tmp_path / "train.txt").write_text("a dog runs\n")
    text, tokenizer = Text((tmp_path / "train.txt",)), learn_tokenizer(["a dog runs"], 260)
    assert cache_to_resume(text, tokenizer, tmp_path / "theirs") == default_cache()
    cached_shards(text, tokenizer, tmp_path / "mine")
    assert cache_to_resume(text, tokenizer, tmp_path / "mine") == tmp_path / "mine"


def test_the_shards_of_weights_are_next_to_their_index(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"w": "../elsewhere.safetensors"}}')
    with pytest.raises(CorruptFileError, match="names no shards in its own folder"):
        tl.from_checkpoint(tmp_path)


def test_a_study_can_be_moved_and_continued(tmp_path):
    study = small_study(settings=[{"label": "SET", "method": "set"}])
    run_study(study, tmp_path / "there", quiet=True)
    (tmp_path / "there").rename(tmp_path / "here")
    assert run_study(study, tmp_path / "here", quiet=True)["state"].tolist() == ["done"]
    assert not (tmp_path / "there").exists()
