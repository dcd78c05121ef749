"""House rules that can be checked in the source: randomness, imports, docstrings, and how tests import helpers."""

import ast
import importlib
import inspect
import subprocess
import sys

import pytest

from tests.house import (
    BELOW_ALL,
    CATALOGUES,
    EACH_SOURCE,
    IN_ROOMS,
    MAX_LINES,
    MAX_MODULES,
    MAY_IMPORT,
    NAMED,
    PACKAGE,
    ROOMS,
    SOURCES,
    TESTS,
    flags_in_errors,
    global_randomness,
    room_of,
    rooms_imported,
    shortcuts,
    vague_names,
    words_of,
)


@EACH_SOURCE
def test_no_global_generator(path):
    if path == PACKAGE / "training" / "random_states.py":
        return  # it restores states that others seed
    assert global_randomness(path.read_text(), seeding_allowed=path == PACKAGE / "training" / "checkpoint.py") == []


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from random import shuffle",
        "import numpy as np\nnp.random.seed(0)",
        "import numpy as np\nx = np.random.rand(3)",
        "import numpy\nnumpy.random.shuffle(x)",
        "from numpy import random\nrandom.permutation(3)",
        "from numpy.random import permutation\npermutation(3)",
        "import torch\ntorch.manual_seed(0)",
        "import torch\ntorch.cuda.manual_seed_all(0)",
        "from torch import manual_seed\nmanual_seed(0)",
        "import torch\ntorch.random.set_rng_state(s)",
        "import torch\nx = torch.rand(3)",
        "import torch\nx = torch.randn_like(y)",
        "from torch import randperm\nrandperm(3)",
        "import torch\nweight.data.normal_(0, 1)",
        "from torch import nn\nnn.init.kaiming_uniform_(weight)",
        "from sklearn.model_selection import train_test_split\ntrain_test_split(x, y)",
        "import torch\nwith torch.random.fork_rng():\n    x = torch.rand(3)",
    ],
)
def test_the_check_of_generators_finds(source):
    assert global_randomness(source)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nrng = np.random.default_rng(0)\nrng.permutation(3)\nrng.normal()",
        "import numpy as np\ndef f(seed: int | np.random.Generator | None): ...",
        "import torch\nx = torch.rand(3, generator=torch.Generator().manual_seed(0))",
        "import torch\nwith torch.random.fork_rng(devices=[]):\n    torch.manual_seed(0)",
        "from topolearn.evolution.regrowth import random\nrandom(mask)",
        "from sklearn.model_selection import train_test_split\ntrain_test_split(x, y, random_state=0)",
    ],
)
def test_the_check_of_generators_passes(source):
    assert global_randomness(source) == []


@pytest.mark.parametrize("path", IN_ROOMS, ids=[path.relative_to(PACKAGE).as_posix() for path in IN_ROOMS])
def test_no_import_upward(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"MAY_IMPORT has no entry for {room}"
    allowed = MAY_IMPORT[room] | (BELOW_ALL if room not in BELOW_ALL else set())
    upward = [found for found in rooms_imported(ast.parse(path.read_text()), room) if found[1] not in allowed]
    assert upward == []


@pytest.mark.parametrize(
    ("source", "room"),
    [
        ("from topolearn.training import Run", "training"),
        ("import topolearn.evolution.step.evolve", "evolution"),
        ("def f():\n    from topolearn.plotting import adjacency", "plotting"),
        ("from topolearn import cli", "cli"),
        ("import topolearn", "topolearn itself"),
        ("import analysis.first_look", "analysis"),
    ],
)
def test_the_check_of_imports_finds(source, room):
    assert [name for _, name in rooms_imported(ast.parse(source), "graph")] == [room]


def test_the_rooms_have_no_circular_imports():
    """Only the rooms listed here may import all others."""
    everything = {
        "recording", "training", "studies", "integrations", "benchmarks", "tasks", "verification", "self_check", "cli",
        "__main__",
    }  # fmt: skip
    ranked = {}
    rooms = {name: below for name, below in MAY_IMPORT.items() if name not in everything}
    while rooms:
        free = [name for name, below in rooms.items() if below <= ranked.keys()]
        assert free, f"these rooms import one another: {sorted(rooms)}"
        for name in free:
            ranked[name] = rooms.pop(name)


@pytest.mark.parametrize("path", sorted((PACKAGE / "recording").rglob("*.py")), ids=lambda path: path.stem)
def test_recording_knows_no_task(path):
    assert words_of(path) & {"mlp", "mlps", "accuracy", "accuracies", "epoch", "epochs", "classification"} == set()


def test_import_is_light():
    heavy = ["matplotlib", "transformers", "numba", "sklearn", "lightning", "torchvision", "distributed", "submitit"]
    code = f"import sys, topolearn; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


@pytest.mark.parametrize("room", ["", *ROOMS])
def test_public_names_exist_and_are_documented(room):
    module = importlib.import_module(f"topolearn.{room}".rstrip("."))
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        part = getattr(module, name)
        if inspect.isclass(part) or inspect.isfunction(part):
            written = part.__doc__ or ""
            automatic = inspect.isclass(part) and written.startswith(f"{part.__name__}(")
            assert written.strip(), f"{module.__name__}.{name} has no docstring"
            assert not automatic, f"{module.__name__}.{name} has only the signature that dataclass generates"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_define_all(room):
    assert hasattr(importlib.import_module(f"topolearn.{room}"), "__all__")


@pytest.mark.parametrize("path", NAMED, ids=[path.relative_to(PACKAGE.parent).as_posix() for path in NAMED])
def test_names_say_what_they_hold(path):
    assert vague_names(path.read_text()) == []


@pytest.mark.parametrize(
    "source", ["found = 1", "def f(part): ...", "x.parts", "def found(): ...", "f(part=1)", "[part for part in x]"]
)
def test_the_check_of_names_finds(source):
    assert vague_names(source)


@EACH_SOURCE
def test_files_are_short_and_finished(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert not [word for word in ("TODO", "FIXME", "XXX") if word in text]
    assert ast.get_docstring(ast.parse(text)), "the file has no module docstring"


@pytest.mark.parametrize("folder", sorted({path.parent.relative_to(PACKAGE).as_posix() for path in SOURCES}))
def test_no_folder_is_crowded(folder):
    modules = [path for path in (PACKAGE / folder).glob("*.py") if path.name != "__init__.py"]
    assert folder in CATALOGUES or len(modules) <= MAX_MODULES


def test_the_sources_were_found():
    assert {room_of(path) for path in SOURCES} >= {
        "graph",
        "sampling",
        "generators",
        "linkpred",
        "evolution",
        "training",
    }
    assert len(ROOMS) >= 8


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(TESTS[0].parent).as_posix())
def test_tests_take_no_shortcuts(path):
    assert shortcuts(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "from loops import setup",
        "import fake_run",
        "import graphs.odd",
        "def f():\n    from small import small_study",
        "SCRIPT = '''\nfrom small import small_study\n'''",
        "from .loops import setup",
        "from . import loops",
        "from conftest import SMALL",
        "import runpy\nsetup = runpy.run_path('loops.py')['setup']",
        "from runpy import run_module\nrun_module('loops')",
        "DATASETS._entries['mnist'] = 1",
    ],
)
def test_the_check_of_tests_finds(source):
    assert shortcuts(source)


@pytest.mark.parametrize(
    "source",
    [
        "from tests.evolution.loops import setup",
        "import tests.evolution.loops",
        "from topolearn.training.history import parts",
        "import runpy\nrunpy.run_path('analysis/first_look.py', run_name='__main__')",
        "own_entries = study.entries",
    ],
)
def test_the_check_of_tests_passes(source):
    assert shortcuts(source) == []


def test_errors_of_the_library_speak_python():
    library = [path for path in SOURCES if "cli" not in path.relative_to(PACKAGE).parts]
    bare = {path.relative_to(PACKAGE).as_posix(): list(flags_in_errors(path.read_text())) for path in library}
    assert {name: lines for name, lines in bare.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "n_bare"),
    [
        ('raise ValueError(f"{path} exists: continue it with --resume {path}")', 1),
        ("raise ValueError(\"start one by 'topolearn train x --run-dir DIR'\")", 0),
        ('raise ValueError("replace it by overwrite=True")', 0),
    ],
)
def test_bare_flags_are_seen(source, n_bare):
    assert len(list(flags_in_errors(source))) == n_bare
