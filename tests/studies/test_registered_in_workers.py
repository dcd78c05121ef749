"""Entries that a user registered are available wherever a study's runs are trained."""

import importlib
import pkgutil
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

import topolearn as tl
from tests.studies.small import small_study
from topolearn.diagnostics import MEASURES, Measure
from topolearn.errors import StudyError
from topolearn.evolution import METHODS, REGROWTHS, by_scores
from topolearn.registry import Registry
from topolearn.studies import EXECUTORS, run_study
from topolearn.studies.directory import StudyDirectory
from topolearn.studies.registered import packed, registries, unpack
from topolearn.studies.work import Outcome, WorkItem, carry_out
from topolearn.training import Run

OF_NO_CONFIGURATION = {
    "alternative to a power law", "architecture", "executor", "file suffix", "format", "optimizer", "order of neurons",
    "zero-shot task",
}  # fmt: skip
OWN = [("regrowth score", "my_rule"), ("method", "my_method"), ("measure", "my_hub")]


def test_all_registries_that_a_configuration_refers_to_are_known():
    names = [each.name for each in pkgutil.walk_packages(tl.__path__, "topolearn.") if "__main__" not in each.name]
    members = [each for name in names for each in vars(importlib.import_module(name)).values()]
    kinds = {each.kind for each in members if isinstance(each, Registry)}
    assert kinds == {*registries(), *OF_NO_CONFIGURATION}


def forget():
    """Remove the entries that these tests registered."""
    for kind, name in OWN:
        registries()[kind].unregister(name)


@pytest.fixture
def own():
    """A regrowth rule, a method that uses it, and a measure, made of functions that are in no module."""
    REGROWTHS.register("my_rule", by_scores(lambda g: np.outer(1 + g.fan_in, 1 + g.fan_out)))
    METHODS.register("my_method", replace(METHODS["set"], name="my_method", regrowth="my_rule"))
    MEASURES.register("my_hub", Measure("my_hub", lambda g: g.degrees.max() / g.n_links, "links of the largest hub"))
    yield small_study(settings=[{"label": "mine", "method": "my_method"}], base={"measures": ["my_hub"]}, seeds=[0, 1])
    forget()


def same_runs(study, path):
    """Check that the runs of a study in two folders have the same measures."""
    for run in study.runs():
        one, other = (Run(path / place / run.id) for place in ("here", "there"))
        assert one.metrics.drop(columns="seconds").equals(other.metrics.drop(columns="seconds"))
        assert one.measures.equals(other.measures)
        assert one.measures["my_hub"].notna().any()


def test_packed_entries_are_registered_when_unpacked(own):
    layer = tl.generators.make("er", 20, 10, 0.2, seed=0)
    before, entries = MEASURES["my_hub"](layer), packed()
    assert [(entry.kind, entry.name) for entry in entries] == OWN
    forget()
    assert packed() == ()
    unpack(entries)
    assert METHODS["my_method"].regrowth == "my_rule"
    assert MEASURES["my_hub"](layer) == before


def test_a_worker_without_the_entries_gets_them(own, tmp_path):
    def elsewhere(work, tasks, plan):
        forget()
        yield from ((task, work(task)) for task in tasks)

    EXECUTORS.register("elsewhere", elsewhere)
    try:
        there = run_study(own, tmp_path / "there", executor="elsewhere", quiet=True)
    finally:
        EXECUTORS.unregister("elsewhere")
    assert there["state"].tolist() == ["done", "done"], there["error"].tolist()
    run_study(own, tmp_path / "here", quiet=True)
    same_runs(own, tmp_path)


def test_an_entry_that_a_worker_cannot_import_is_the_error_of_the_run(own, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def hub(graph):\n    return 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    MEASURES.register("my_hub", Measure("my_hub", importlib.import_module("only_here").hub, "one"))
    entries = packed()
    del sys.modules["only_here"]
    monkeypatch.undo()
    item = WorkItem(own.runs()[0], StudyDirectory(tmp_path / "out", own), registered=entries)
    item.directory.prepare()
    assert carry_out(item) == Outcome("failed", "ModuleNotFoundError: No module named 'only_here'")


def test_an_entry_that_cannot_be_sent_is_rejected_before_anything_runs(own, tmp_path):
    lock = threading.Lock()
    MEASURES.register("my_hub", Measure("my_hub", lambda g: float(lock.locked()), "a lock"))
    with pytest.raises(
        StudyError, match=r"the measure 'my_hub', which you registered, cannot be sent to workers \(.*lock"
    ):
        run_study(own, tmp_path / "here", jobs=2, quiet=True)
    table = run_study(own, tmp_path / "here", quiet=True)  # in this process it need not be sent
    assert table["state"].tolist() == ["done", "done"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("executor", "options", "package"),
    [("processes", {}, "loky"), ("dask", {}, "distributed"), ("slurm", {"cluster": "local"}, "submitit")],
)
def test_all_executors_send_them(executor, options, package, own, tmp_path):
    if package != "loky":
        pytest.importorskip(package)
    there = run_study(own, tmp_path / "there", executor=executor, jobs=2, options=options, quiet=True)
    assert there["state"].tolist() == ["done", "done"], there["error"].tolist()
    run_study(own, tmp_path / "here", quiet=True)
    same_runs(own, tmp_path)
