"""Test settings: one thread per process, since pools that share cores slow each other down, and no display."""

import os
import sys
from importlib.util import find_spec

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"

import matplotlib
import pytest
import torch

import topolearn as tl

torch.set_num_threads(1)

# The translation examples need the packages of the extra [hf].
NEEDED = ("transformers", "tokenizers", "sacrebleu")
collect_ignore_glob = [] if all(map(find_spec, NEEDED)) else ["topolearn/tasks/translation/*.py"]


def pytest_addoption(parser):
    """Add the option that regenerates the reference pictures of the image tests."""
    parser.addoption("--new-images", action="store_true", help="regenerate the pictures in tests/plotting/images")


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory):
    """Give the tests their own caches, without crossovers measured here or code compiled for other processors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())  # the list of fonts stays where it is
        for name in ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def example_runs(tmp_path_factory):
    """Two finished runs, sparse and dense, that the examples in docstrings use."""
    folder = tmp_path_factory.mktemp("runs")
    options = {"hidden": (24, 24), "epochs": 2, "threads": 1}
    return {
        method: tl.train(tl.TrainConfig(method=method, run_dir=str(folder / method), **options), quiet=True)
        for method in ("chts", "dense")
    }


@pytest.fixture(autouse=True)
def doctest_names(request, doctest_namespace):
    """Define ``run`` and ``dense`` for the examples in docstrings."""
    if isinstance(request.node, pytest.DoctestItem):
        runs = request.getfixturevalue("example_runs")
        doctest_namespace.update(run=runs["chts"], dense=runs["dense"])


@pytest.fixture(autouse=True)
def no_open_figures():
    """Close the figures that a test leaves open."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
