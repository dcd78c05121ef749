"""House rules that can be checked in the source: randomness, imports, docstrings, and how tests import helpers."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import topolearn

PACKAGE = Path(topolearn.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
EACH_SOURCE = pytest.mark.parametrize("path", SOURCES, ids=[path.relative_to(PACKAGE).as_posix() for path in SOURCES])
IN_ROOMS = [path for path in SOURCES if path != PACKAGE / "__init__.py"]  # which exposes all rooms
NAMED = [*SOURCES, *sorted((PACKAGE.parent / "analysis").rglob("*.py"))]
VAGUE = {"found", "part", "parts"}  # each once had five meanings or more
MAX_LINES = 350
TESTS = sorted(Path(__file__).parent.rglob("*.py"))
HELPERS = {path.stem for path in TESTS}  # and the tests themselves

# The rooms that a room may import from, besides itself and the modules below all rooms: imports go one way.
BELOW_ALL = {
    "defaults", "showing",
    "errors", "registry", "task_registry", "declared", "threads", "files", "checks", "compiling", "devices",
    "waiting", "ends", "read_errors", "believable", "terminal", "spreadsheets", "confined", "unpacking",
}  # fmt: skip
MAY_IMPORT = {
    "errors": set(),
    "registry": {"errors"},
    "task_registry": {"errors", "read_errors", "registry"},
    "declared": {"errors"},
    "threads": set(),
    "files": {"errors"},
    "checks": {"errors"},
    "defaults": set(),
    "showing": {"task_registry"},
    "devices": {"defaults", "errors", "registry"},
    "waiting": set(),
    "kernel_cache": set(),
    "compiling": {"kernel_cache"},
    "ends": {"errors", "terminal"},
    "read_errors": {"errors"},
    "terminal": set(),
    "spreadsheets": {"errors", "files"},
    "confined": {"errors"},
    "believable": set(),
    "unpacking": {"believable", "errors"},
    "sampling": set(),
    "graph": set(),
    "generators": {"graph", "sampling"},
    "linkpred": {"graph", "sampling"},
    "diagnostics": {"graph", "sampling", "generators", "linkpred"},
    "plotting": {"graph", "sampling", "generators", "linkpred", "diagnostics"},
    "sparse": {"graph", "generators", "sampling"},
    "compiled": {"graph", "generators", "sampling", "sparse"},
    "distributed": {"graph", "generators", "sampling", "sparse"},
    "evolution": {"graph", "generators", "sampling", "linkpred", "diagnostics", "sparse", "distributed"},
    "counting": {"graph", "generators", "sampling", "linkpred", "diagnostics", "sparse", "distributed", "evolution"},
}
MAY_IMPORT["recording"] = set(MAY_IMPORT)
MAY_IMPORT["studies"] = set(MAY_IMPORT) | {"tasks"}  # it uses tasks only through the registry
MAY_IMPORT["training"] = set(MAY_IMPORT) - {"studies"}
MAY_IMPORT["integrations"] = set(MAY_IMPORT)
MAY_IMPORT["benchmarks"] = set(MAY_IMPORT)
MAY_IMPORT["tasks"] = set(MAY_IMPORT) - {"studies"}
MAY_IMPORT["verification"] = set(MAY_IMPORT) - {"studies"}
MAY_IMPORT["self_check"] = set(MAY_IMPORT) - {"studies"}
MAY_IMPORT["cli"] = set(MAY_IMPORT)
MAY_IMPORT["__main__"] = {"cli"}
ROOMS = [name for name in MAY_IMPORT if (PACKAGE / name / "__init__.py").exists()]

SEEDING = {"seed", "manual_seed", "manual_seed_all", "set_rng_state", "set_rng_state_all", "seed_all"}
DRAWS = {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "multinomial",
    "bernoulli", "poisson", "normal_", "uniform_", "random_", "exponential_", "bernoulli_", "geometric_", "cauchy_",
    "log_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "trunc_normal_",
}  # fmt: skip
NUMPY_OBJECTS = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64", "Philox"}
NEEDS_RANDOM_STATE = {"train_test_split", "StratifiedShuffleSplit", "KFold", "shuffle", "resample"}


def dotted(node):
    """Return the name of an attribute chain, such as ``np.random.default_rng``; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def aliases(tree):
    """Return the full name of each imported name."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                found[name.asname or name.name.split(".")[0]] = name.name if name.asname else name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def forked(tree):
    """Return every node within a ``with torch.random.fork_rng(...)``."""
    return {
        inner
        for block in ast.walk(tree)
        if isinstance(block, ast.With)
        and any(
            isinstance(item.context_expr, ast.Call) and dotted(item.context_expr.func).endswith("fork_rng")
            for item in block.items
        )
        for inner in ast.walk(block)
    }


def global_randomness(source, seeding_allowed=False):
    """Return lines that draw from, or seed, a global generator."""
    tree = ast.parse(source)
    known, safe, found = aliases(tree), forked(tree), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(name.name.split(".")[0] == "random" for name in node.names):
            found.append((node.lineno, "import random"))
        if isinstance(node, ast.ImportFrom) and node.module == "random" and not node.level:
            found.append((node.lineno, "from random import"))
        if not isinstance(node, (ast.Attribute, ast.Name)):
            continue
        head, _, rest = dotted(node).partition(".")
        name = ".".join(filter(None, (known.get(head, head), rest)))
        parts = name.split(".")
        if parts[:2] == ["numpy", "random"] and len(parts) > 2 and parts[2] not in NUMPY_OBJECTS:
            found.append((node.lineno, name))
        if parts[0] == "torch" and parts[-1] in SEEDING and not (seeding_allowed or node in safe):
            found.append((node.lineno, name))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        words = {keyword.arg for keyword in node.keywords}
        last = node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)
        head, _, rest = dotted(node.func).partition(".")
        of_torch = known.get(head, head).split(".")[0] == "torch" or last.endswith("_")
        if last in DRAWS and of_torch and "generator" not in words:
            found.append((node.lineno, f"{last} without generator="))
        if last in NEEDS_RANDOM_STATE and known.get(head, "").startswith("sklearn") and "random_state" not in words:
            found.append((node.lineno, f"{last} without random_state="))
    return found


def rooms_imported(tree, room):
    """Return the rooms of topolearn that a module imports, at the top or in functions, with line numbers."""
    found = []
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides the room"
            modules = [node.module]
            if node.module == "topolearn":
                modules = [f"topolearn.{name.name}" for name in node.names]
        for module in modules:
            top, _, rest = module.partition(".")
            if top == "analysis":
                found.append((node.lineno, "analysis"))
            elif top == "topolearn" and rest.split(".")[0] != room:
                found.append((node.lineno, rest.split(".")[0] or "topolearn itself"))
    return found


def shortcuts(source):
    """Return lines of a test that import a sibling by its bare name, load names with runpy, or use ``_entries``."""
    lines = source.splitlines()  # not the tree, since scripts in strings contain imports too
    imported = [re.match(r"\s*(?:from (\S+) import|import ([\w.]+))", line) for line in lines]
    names = [(number, match[1] or match[2]) for number, match in enumerate(imported, 1) if match]
    found = [(number, name) for number, name in names if name.split(".")[0] in HELPERS | {""}]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "_entries":
            found.append((node.lineno, dotted(node)))
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in {"run_path", "run_module"}:
            runs_a_program = any(word.arg == "run_name" for word in node.keywords)
            found += [] if runs_a_program else [(node.lineno, dotted(node.func))]
    return found


def vague_names(source):
    """Return identifiers that do not say what they hold."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        else:
            name = next((getattr(node, kind) for kind in ("id", "arg", "attr") if hasattr(node, kind)), None)
        if name in VAGUE:
            found.append((node.lineno, name))
    return found


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


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
        ("import topolearn.evolution.step", "evolution"),
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


def words_of(path):
    """Return the words in the names, messages and comments of a file."""
    return set(re.findall(r"[a-z]+", path.read_text().lower()))


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


def flags_in_errors(source):
    """Yield lines whose error message has a command-line option but not its command."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise):
            texts = [
                each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            message = "".join(texts)
            if re.search(r"--[a-z]", message) and not re.search(
                r"\b(topolearn [a-z]+|torchrun|hf|start workers) ", message
            ):
                yield node.lineno, message


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
