"""Small runs on digits that the tests of this folder share; a test that changes one copies it first."""

import hashlib
import shutil
from pathlib import Path

import pytest

import topolearn as tl
from topolearn.evolution import METHODS

SMALL = {
    "hidden": (32, 32), "epochs": 3, "batch_size": 32, "update_interval": 10, "measure_every": 1, "threads": 1,
}  # fmt: skip


@pytest.fixture(scope="session")
def small():
    """Return a function that makes a small configuration, with other values where they are given."""

    def config(run_dir, **values):
        method = METHODS[values.get("method", "chts")]
        backend = "masked" if method.storage == "dense" else "csr"
        sparse = {} if method.is_dense else {"density": 0.08, "backend": backend}
        values = {**SMALL, **sparse, **values}
        if method.interval is not None:  # the method's own is overridden
            values["overrides"] = {"interval": values["update_interval"], **values.get("overrides", {})}
        return tl.TrainConfig(run_dir=str(run_dir), **values)

    return config


@pytest.fixture(scope="session")
def chts(tmp_path_factory, small):
    return tl.train(small(tmp_path_factory.mktemp("shared") / "chts"), quiet=True)


@pytest.fixture(scope="session")
def dense(tmp_path_factory, small):
    return tl.train(small(tmp_path_factory.mktemp("shared") / "dense", method="dense"), quiet=True)


@pytest.fixture(scope="session")
def tree():
    """Return a function that lists what is below a directory, with a hash of each file."""

    def content(path):
        return {
            each.relative_to(path).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else None
            for each in sorted(path.rglob("*"))
        }

    return content


@pytest.fixture
def copy(tmp_path):
    """Return a function that copies a run into the test's own directory, at ``copy.path``."""

    def copied(run):
        return Path(shutil.copytree(run.path, copied.path))

    copied.path = tmp_path / "copy"
    return copied
