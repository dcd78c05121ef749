"""Each file of a finished run is replaced by a payload: inspecting, reporting, resuming or loading runs nothing."""

import contextlib
import shutil
import warnings

import pytest

import topolearn as tl
from tests.security.payloads import is_armed, payloads
from tests.tasks.language.small import config, write_corpus


def uses(path):
    """Do everything that can be done with a run."""
    run = tl.Run(path)
    for use in (
        lambda: repr(run), lambda: run.metrics, lambda: run.layers, lambda: run.network, lambda: run.measures,
        lambda: list(run.history), lambda: run.summary, lambda: run.environment, lambda: run.config,
        lambda: run.load_model("best"), lambda: run.load_model("last"), run.report,
        lambda: tl.resume(path, quiet=True),
    ):  # fmt: skip
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            use()


def check_each_file(whole, folder, kinds):
    mark = folder / "ran"
    assert is_armed(mark)
    contents = payloads(mark)
    files = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file() and path.suffix != ".png"]
    for number, file in enumerate(files):
        path = folder / f"run{number}"
        shutil.copytree(whole, path)
        (path / file).write_bytes(contents[kinds[number % len(kinds)]])
        uses(path)
        assert not mark.exists(), f"{file} was run"
        shutil.rmtree(path)
    return files


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_of_classification_runs_nothing(tmp_path):
    options = {
        "epochs": 1,
        "hidden": (8,),
        "batch_size": 512,
        "measures": ("none",),
        "history": "summary",
        "threads": 1,
    }
    run = tl.train(tl.TrainConfig(run_dir=str(tmp_path / "whole"), **options), quiet=True)
    files = check_each_file(run.path, tmp_path, ("pickle", "npz", "torch"))
    assert len(files) > 8


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_of_transformers_runs_nothing(tmp_path):
    pytest.importorskip("transformers")
    write_corpus(tmp_path)
    run = tl.train(config(tmp_path, "whole"), quiet=True)
    files = [str(file) for file in check_each_file(run.path, tmp_path, ("torch", "pickle", "old torch"))]
    assert any(file.endswith("optimizer.pt") for file in files)
