"""The directory of a new run: named, never overwritten, and not made for what is rejected."""

from pathlib import Path

import pytest
import torch

import topolearn as tl
from topolearn.errors import (
    ExistingFileError,
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
    UnknownNameError,
)
from topolearn.training import build


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_an_existing_run_directory_is_rejected_and_untouched(kind, small, tmp_path, tree):
    path = tmp_path / "run"
    if kind == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "config.toml").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(ExistingFileError, match="run exists and is not a run: choose another run_dir"):
        tl.train(small(path), quiet=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"density": 1e-6}, InvalidValueError, "density=1e-06 leaves no link in a layer of 64 x 32"),
        ({"density": 6e-4, "hidden": [64, 8]}, InvalidValueError, "leaves no link in a layer of 64 x 8"),
        ({"dataset": "digit"}, UnknownNameError, "did you mean 'digits'"),
        ({"dataset": "nothing.npz"}, MissingFileError, "no data file nothing.npz"),
        ({"dataset": "mnist", "data_dir": "nowhere"}, MissingFileError, "in nowhere"),
        ({"overrides": {"generator_params": {"beta": 2}}}, InvalidValueError, "beta=2 must lie in"),
        ({"overrides": {"generator_params": {"beta": "x"}}}, InvalidTypeError, "beta='x' must be a number"),
        ({"device": "cuda"}, InvalidValueError, "no CUDA device"),
    ],
)
def test_nothing_is_created_when_the_configuration_is_rejected(values, error, message, small, tmp_path):
    if values.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(error, match=message):
        tl.train(small(tmp_path / "runs" / "run", **values), quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_widths_beyond_the_memory_are_rejected(small, tmp_path, monkeypatch):
    def mlp_too_large(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(build, "mlp", mlp_too_large)
    with pytest.raises(InvalidValueError, match=r"hidden=\[32, 32\] with 64 features .* does not fit into memory"):
        tl.train(small(tmp_path / "run"), quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_a_run_directory_that_cannot_be_created(small, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidValueError, match=r"run directory .*file.run cannot be created .Not a directory"):
        tl.train(small(tmp_path / "file" / "run"), quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_run_directory_is_named_after_the_run(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = small("x", method="static", seed=4, epochs=1).with_values({"run_dir": None})
    run = tl.train(config, quiet=True)
    assert run.path == Path("runs/digits-static-0.08-s4")
    assert run.config.run_dir == str(run.path)
