"""Complete, unfinished and damaged runs, and files that commands name."""

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.cli.small import SMALL
from topolearn.cli import main


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Two complete runs: CHTs, and dense with its report."""
    folder = tmp_path_factory.mktemp("cli")
    assert main(["train", *SMALL, "--update-interval", "15", "--epochs", "2", "--run-dir", str(folder / "chts")]) == 0
    dense = ["--method", "dense", "--density", "1", "--report", "--run-dir", str(folder / "dense")]
    assert main(["train", *SMALL, *dense]) == 0
    return folder


@pytest.fixture
def folder(shared, tmp_path, monkeypatch):
    """A working directory with the files that the commands below name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shared / "chts", "complete")
    for name, old, new in (("unfinished", "", ""), ("edited", "    16,\n    16,\n", "    16,\n    12,\n")):
        run = Path(shutil.copytree("complete", name))
        summary = (run / "summary.json").read_text().replace('"complete": true', '"complete": false')
        (run / "summary.json").write_text(summary)
        (run / "config.toml").write_text((run / "config.toml").read_text().replace(old, new))
    x, y = np.arange(60.0).reshape(20, 3), np.arange(20) % 2
    for name, train_x in (("good", x), ("nan", np.where(x == 7, np.nan, x))):
        np.savez(f"{name}.npz", train_x=train_x, train_y=y, test_x=x, test_y=y)
    Path("cut.npz").write_bytes(Path("good.npz").read_bytes()[:-100])
    Path("mnist").mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        content = bytes([0, 0, 8, 1]) + struct.pack(">i", 100) + bytes(70)
        Path("mnist", f"{name}-ubyte.gz").write_bytes(gzip.compress(content))
    Path("file").write_text("a file")
    Path("broken.toml").write_text("epochs = [1,\n")
    Path("typo.toml").write_text("epoch = 1\n")
    Path("parts.toml").write_text('method = "set"\n[overrides]\nzeta = 0.1\n')
    for name in ("run_dir", "data_dir", "dataset"):
        Path(f"nul-{name}.toml").write_text(f'{name} = "a\\u0000b"\n')
    Path("bare").mkdir()
    Path("bare", "config.toml").write_text("epochs = 1\n")
    return tmp_path
