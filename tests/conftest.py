"""Fixtures shared by several test packages, including small runs on digits; a test that changes a run copies it."""

import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import topolearn as tl
from tests.devices.pretend import announce, pretend_device
from tests.processes import scope_of
from tests.profiles import PROFILE, SCALE
from tests.training.idx_files import FILES, idx, write
from topolearn.diagnostics import MEASURES
from topolearn.evolution import METHODS, REGROWTHS, REMOVAL_SCORES
from topolearn.generators import GENERATORS
from topolearn.linkpred import PREDICTORS
from topolearn.recording.report import pictures
from topolearn.training import load_dataset, trainer
from topolearn.training.data import mnist

announce()

SMALL = {
    "hidden": (32, 32), "epochs": 3, "batch_size": 32, "update_interval": 10, "measure_every": 1, "threads": 1,
}  # fmt: skip
pretend_device()  # before the first backward pass, when autograd creates a queue for each device


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let one worker run all tests that start their own processes."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return scope_of(nodeid)

    return Scheduling(config, log)


def pytest_report_collectionfinish(items):
    """Report the maximum number of examples that property tests will try, if the profile sets it."""
    limits = [item.obj._hypothesis_internal_use_settings for item in items if item.get_closest_marker("hypothesis")]
    if PROFILE == "default":
        return []
    n = sum(each.max_examples for each in limits)
    return [f"profile {PROFILE}: {len(limits)} property tests, at most {n} examples ({SCALE} times the default)"]


@pytest.fixture(scope="session")
def blank_png():
    """The content of a PNG file of one pixel."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _pictures_unrendered(request, monkeypatch, blank_png):
    """Let reports draw their pictures but not render them, which takes most of their time; `rendered` does both."""
    if "rendered" not in request.fixturenames:
        monkeypatch.setattr(pictures, "rendered", lambda figure, dpi: blank_png)


@pytest.fixture
def rendered():
    """Render the pictures of reports."""


@pytest.fixture
def n_threads():
    """Return a function that sets torch's number of threads, which is restored after the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def registries_as_before():
    """Take back what a test registers."""
    registries = [GENERATORS, MEASURES, METHODS, PREDICTORS, REGROWTHS, REMOVAL_SCORES]
    known = [set(registry) for registry in registries]
    yield
    for registry, names in zip(registries, known, strict=True):
        for name in set(registry) - names:
            registry.unregister(name)


@pytest.fixture(scope="session")
def pretend():
    """The pretend accelerator."""
    return pretend_device()


@pytest.fixture
def digits_as_mnist(monkeypatch, tmp_path):
    """Write the small digits as MNIST files, since not every machine has MNIST; return the data directory."""
    digits, folder = load_dataset("digits"), tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    arrays = (digits.train_x.view(-1, 8, 8), digits.train_y, digits.test_x.view(-1, 8, 8), digits.test_y)
    for name, array in zip(FILES, arrays, strict=True):
        write(folder / name, idx(array.numpy().astype(np.uint8)))
    monkeypatch.setattr(mnist, "CHECKSUMS", dict.fromkeys(FILES))  # None: any content will do
    return folder.parent


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Return a function that calls a program of analysis/ with options, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(module, *options):
        module.main(module.program().parse_args([*map(str, options)]))

    return call


@pytest.fixture
def n_trained(monkeypatch):
    """List the configurations that are trained."""
    trainings = []
    run = trainer.Trainer.run

    def counted(self, recorder, **options):
        trainings.append(self.config)
        return run(self, recorder, **options)

    monkeypatch.setattr(trainer.Trainer, "run", counted)
    return trainings


@pytest.fixture(scope="session")
def small():
    """Return a function that creates a small configuration, with optional overrides."""

    def config(run_dir, **values):
        method = METHODS[values.get("method", "chts")]
        backend = "masked" if method.storage == "dense" else "csr"
        sparse = {} if method.is_dense else {"density": 0.08, "backend": backend}
        values = {**SMALL, **sparse, **values}
        if method.interval is not None:  # override the method's default
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
    """Return a function that lists the contents of a directory, with a hash of each file; locks do not count."""

    def content(path):
        return {
            each.relative_to(path).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else None
            for each in sorted(path.rglob("*"))
            if each.name != ".lock"
        }

    return content


@pytest.fixture
def copy(tmp_path):
    """Return a function that copies a run into the test's own directory, at ``copy.path``."""

    def copied(run):
        return Path(shutil.copytree(run.path, copied.path))

    copied.path = tmp_path / "copy"
    return copied
