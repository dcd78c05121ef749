"""The house rules as checks of source text: randomness, imports, names, and how tests import helpers."""

import ast
import re
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
MAX_MODULES = 30  # in a folder
CATALOGUES = {"diagnostics"}  # folders in which each file is one entry of a registry
TESTS = sorted(Path(__file__).parent.rglob("*.py"))
HELPERS = {path.stem for path in TESTS}  # and the tests themselves

# The rooms that a room may import from, besides itself and the modules below all rooms: imports go one way.
BELOW_ALL = {
    "defaults", "showing",
    "errors", "registry", "task_registry", "declared", "threads", "files", "checks", "compiling", "devices",
    "waiting", "ends", "postponement", "read_errors", "believable", "terminal", "spreadsheets", "confined", "unpacking",
    "version", "whole",
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
    "devices": {"defaults", "errors", "registry", "terminal"},
    "waiting": set(),
    "version": set(),
    "whole": set(),
    "kernel_cache": set(),
    "compiling": {"kernel_cache"},
    "ends": {"errors", "postponement", "terminal"},
    "postponement": set(),
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


def words_of(path):
    """Return the words in the names, messages and comments of a file."""
    return set(re.findall(r"[a-z]+", path.read_text().lower()))


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
