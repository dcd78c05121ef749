"""Runs of a study are trained once, resumed, kept apart, and never confused; errors are reported."""

import errno
import re

import pandas as pd
import pytest

from tests.studies.small import small_study
from topolearn.errors import StudyError
from topolearn.studies import finished_runs, results, run_study
from topolearn.training import Run, TrainConfig, trainer

MEASURED = ["best_accuracy", "last_accuracy", "n_links", "n_updates", "overlap", "active_neurons"]


def same(one, other):
    pd.testing.assert_frame_equal(one[["hash", "state", *MEASURED]], other[["hash", "state", *MEASURED]])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The results of a small, uninterrupted study."""
    return run_study(small_study(), tmp_path_factory.mktemp("whole"), quiet=True)


@pytest.fixture
def break_epoch(monkeypatch):
    """Return a function that makes every run of a method fail at the end of an epoch."""
    save = trainer.save_checkpoint

    def breaks(error, method="chts", in_epoch=2):
        def broken(path, model, optimizer, topology, counters, **words):
            if topology.method.name == method and counters["epoch"] == in_epoch:
                raise error
            save(path, model, optimizer, topology, counters, **words)

        monkeypatch.setattr(trainer, "save_checkpoint", broken)

    breaks.undo = lambda: monkeypatch.setattr(trainer, "save_checkpoint", save)
    return breaks


def test_only_requested_runs_are_trained(tmp_path, n_trained):
    small = small_study(seeds=[0, 1])
    ends = []
    table = run_study(
        small, tmp_path / "out", only=lambda run: run.label == "SET" and run.seed == 1, after=ends.append, quiet=True
    )
    assert [(run.label, run.seed) for run in ends] == [("SET", 1)]
    assert table["state"].tolist() == ["missing", "missing", "done", "missing"]
    assert {method for method, _ in n_trained} == {"set"}
    assert run_study(small, tmp_path / "out", quiet=True)["state"].tolist() == ["done"] * 4
    assert len(n_trained) == 8


def test_a_study_is_done_once(tmp_path, n_trained, capsys):
    small = small_study(seeds=[0, 1])
    first = run_study(small, tmp_path / "out")
    assert first["state"].tolist() == ["done"] * 4
    assert first["label"].tolist() == ["SET", "CHTs"] * 2
    assert len(n_trained) == 8
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "small: 4 runs, 4 missing, 4 to do"
    assert re.fullmatch(r"1/4  done    \w{12}  SET   seed 0   *[\d.]+%   *[\d.]+ s  [\d.]+ s left", said[1])
    assert re.fullmatch(r"4/4  done    \w{12}  CHTs  seed 1   *[\d.]+%   *[\d.]+ s", said[4])
    assert {path.name for path in tmp_path.glob("out/*/config.toml")} == {"config.toml"}
    again = run_study(small, tmp_path / "out")
    assert len(n_trained) == 8
    same(first, again)
    assert capsys.readouterr().err == ""
    written = pd.read_csv(tmp_path / "out" / "results.csv", keep_default_na=False, na_values=[""])
    assert written["hash"].tolist() == first["hash"].tolist()
    assert written["best_accuracy"].tolist() == first["best_accuracy"].tolist()


def test_more_seeds_and_settings_join_in(tmp_path, n_trained):
    run_study(small_study(), tmp_path / "out", quiet=True)
    table = run_study(small_study(grid={"zeta": [0.3, 0.2]}), tmp_path / "out", quiet=True)
    assert len(n_trained) == 8  # zeta=0.3 is that of the method
    assert table["zeta"].tolist() == [0.3, 0.2] * 2
    assert (table["state"] == "done").all()


def test_the_results_are_those_of_the_runs(tmp_path):
    small = small_study()
    (_, row) = run_study(small, tmp_path, quiet=True).to_dict("records")
    run = Run(tmp_path / row["hash"][:12])
    assert (run.config.method, run.config.seed, run.config.history) == ("chts", 0, "summary")
    assert row["best_accuracy"] == run.metrics["test_accuracy"].max()
    assert row["last_accuracy"] == run.metrics["test_accuracy"].iloc[-1]
    assert row["n_links"] == run.metrics["n_links"].iloc[-1] == round(0.3 * 64 * 8)
    assert row["n_updates"] == run.metrics["n_updates"].sum() == 1
    assert row["overlap"] == run.metrics["overlap"].mean()
    assert row["active_neurons_authors"] == run.metrics["active_neurons_authors"].iloc[-1]
    assert (row["backend"], row["threads"], row["error"]) == ("csr", 1, "")


def test_finished_runs_are_returned(tmp_path):
    small = small_study(seeds=[1, 0])
    table = run_study(small, tmp_path, quiet=True)
    runs = finished_runs(small, tmp_path)
    assert list(runs) == [("SET", 1), ("CHTs", 1), ("SET", 0), ("CHTs", 0)]
    assert [run.path for run in runs.values()] == [tmp_path / name[:12] for name in table["hash"]]
    for (label, seed), run in runs.items():
        assert (run.config.method, run.config.seed) == (label.lower(), seed)


def test_runs_that_are_not_done_are_named(tmp_path, break_epoch):
    break_epoch(RuntimeError("the\nfuse"))
    run_study(small_study(), tmp_path, quiet=True)
    break_epoch(KeyboardInterrupt(), method="set", in_epoch=2)
    more = small_study(seeds=[0, 1])
    with pytest.raises(KeyboardInterrupt):
        run_study(more, tmp_path, quiet=True)
    with pytest.raises(StudyError) as stop:
        finished_runs(more, tmp_path)
    first, *others = str(stop.value).splitlines()
    assert first == (
        f"3 of 4 runs of study 'small' in {tmp_path} are not finished: run the study, with retry_failed=True to "
        "retry failed runs"
    )
    assert others == [
        "  CHTs, seed 0, failed: RuntimeError: the fuse",
        "  SET, seed 1, unfinished",
        "  CHTs, seed 1, missing",
    ]
    break_epoch.undo()
    run_study(more, tmp_path, retry_failed=True, quiet=True)
    assert len(finished_runs(more, tmp_path)) == 4


def test_an_interrupted_study_continues(whole, tmp_path, n_trained, break_epoch):
    small = small_study()
    break_epoch(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_study(small, tmp_path / "out", quiet=True)
    assert results(small, tmp_path / "out")["state"].tolist() == ["done", "unfinished"]
    break_epoch.undo()
    n_trained.clear()
    same(run_study(small, tmp_path / "out", quiet=True), whole)
    assert n_trained == [("chts", 2)]


def test_a_failed_run_keeps_its_error_and_is_retried_on_request(whole, tmp_path, n_trained, break_epoch, capsys):
    small = small_study()
    break_epoch(RuntimeError("the\nfuse"))
    table = run_study(small, tmp_path / "out")
    assert table["state"].tolist() == ["done", "failed"]
    assert table["error"].tolist() == ["", "RuntimeError: the fuse"]
    assert "failed" in capsys.readouterr().err.splitlines()[2]
    note = (tmp_path / "out" / "errors" / f"{table['hash'][1][:12]}.txt").read_text()
    assert note.startswith("RuntimeError: the fuse\n\nTraceback (most recent call last):")
    break_epoch.undo()
    n_trained.clear()
    assert run_study(small, tmp_path / "out", quiet=True)["state"].tolist() == ["done", "failed"]
    assert n_trained == []
    same(run_study(small, tmp_path / "out", retry_failed=True, quiet=True), whole)
    assert n_trained == [("chts", 2)]
    assert not list(tmp_path.glob("out/errors/*"))


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_the_study_and_keeps_the_rest(whole, tmp_path, break_epoch):
    small = small_study()
    break_epoch(FULL)
    with pytest.raises(StudyError, match=r"the disk of .*out is full \(.*the disk is full.*\): free some space"):
        run_study(small, tmp_path / "out", quiet=True)
    assert results(small, tmp_path / "out")["state"].tolist() == ["done", "unfinished"]
    break_epoch.undo()
    same(run_study(small, tmp_path / "out", quiet=True), whole)


def test_a_disk_that_is_full_from_the_start(tmp_path, monkeypatch):
    def full(*_, **__):
        raise FULL

    monkeypatch.setattr(TrainConfig, "save", full)
    with pytest.raises(StudyError, match=r"is full"):
        run_study(small_study(), tmp_path, quiet=True)
    monkeypatch.undo()
    assert (run_study(small_study(), tmp_path, quiet=True)["state"] == "done").all()
