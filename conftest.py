"""One thread for each test process, since pools that share cores slow each other, and pictures without a screen."""

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

# Examples of translation need what the extra [hf] brings.
NEEDED = ("transformers", "tokenizers", "sacrebleu")
collect_ignore_glob = [] if all(map(find_spec, NEEDED)) else ["topolearn/tasks/translation/*.py"]


def pytest_addoption(parser):
    """Let the pictures that image tests compare with be drawn anew."""
    parser.addoption("--new-images", action="store_true", help="draw the pictures of tests/plotting/images anew")


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory):
    """Give the tests caches of their own, without crossovers measured here or code compiled for other processors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())  # the list of fonts stays where it is
        for name in ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def example_runs(tmp_path_factory):
    """Two finished runs, a sparse and a dense one, as the examples in docstrings use them."""
    folder = tmp_path_factory.mktemp("runs")
    options = {"hidden": (24, 24), "epochs": 2, "threads": 1}
    return {
        method: tl.train(tl.TrainConfig(method=method, run_dir=str(folder / method), **options), quiet=True)
        for method in ("chts", "dense")
    }


@pytest.fixture(autouse=True)
def doctest_names(request, doctest_namespace):
    """Let examples in docstrings speak of ``run`` and ``dense``."""
    if isinstance(request.node, pytest.DoctestItem):
        runs = request.getfixturevalue("example_runs")
        doctest_namespace.update(run=runs["chts"], dense=runs["dense"])


@pytest.fixture(autouse=True)
def no_open_figures():
    """Close what a test has drawn."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
