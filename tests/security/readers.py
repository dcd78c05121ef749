"""Every function and class of topolearn that takes a path, found in its source, with its other arguments."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import torch

import topolearn
from topolearn.errors import MissingPackageError

# What takes a path to write, to make, or to tell of it, and reads nothing there; by the beginning of its name.
WRITES = re.compile(
    r"write|save|export|append|check_folder|check_suffix|written_aside|private_|hub_folder|cached_|main$"
)
NOT_READ = {
    "add_parser", "begin_again", "cache_to_resume", "check_suffix", "checkpoint_file", "describe", "download",
    "fetched_text", "files_of", "find_idx", "is_checkpoint", "is_graph_file", "is_hub_name", "is_run", "may_begin",
    "record", "open_recorder", "plain", "preset", "step_of", "unlock", "load_task", "take_device",
}  # fmt: skip
TAKES_PATH = re.compile(r"\b(Path|PathLike|BinaryIO)\b")
OF_A_NAME = {"dataset", "base"}  # which may be a path as well
FILLED = {
    "which": "last", "method": "set", "kind": object, "what": "run", "columns": ("input", "output"), "names": ["a"],
    "checksums": {}, "title": "a set", "md5": "0" * 32, "name": "file", "quiet": True, "languages": ("a", "b"),
    "seed": 0, "key": "step", "n_layers": 1, "hidden": (4,), "task": "classification", "prefix": "",
    "content": b"", "expected": "x", "owner": "x",
}  # fmt: skip


def readers(within=""):
    """Yield the name and function of each reader in some modules, and the names of its path parameters."""
    seen = set()
    for info in pkgutil.walk_packages(topolearn.__path__, "topolearn."):
        if "__main__" in info.name or ".cli" in info.name or not info.name.startswith(f"topolearn.{within}"):
            continue
        try:
            module = importlib.import_module(info.name)
        except (ImportError, MissingPackageError):
            continue  # of a package that is not installed
        for name, member in vars(module).items():
            if name.startswith("_") or getattr(member, "__module__", "") != info.name:
                continue
            for full, function in [(name, member), *_constructors(name, member)]:
                key = (info.name, full)
                last = full.rpartition(".")[2]
                if key in seen or WRITES.match(last) or last in NOT_READ or not callable(function):
                    continue
                seen.add(key)
                if paths := _paths(function):
                    yield f"{info.name}.{full}", function, paths


def _constructors(name, member):
    if not inspect.isclass(member):
        return []
    return [(f"{name}.{key}", getattr(member, key)) for key, value in vars(member).items()
            if isinstance(value, classmethod | staticmethod) and not key.startswith("_")]  # fmt: skip


def _paths(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = {each.name: str(each.annotation) for each in parameters}
    return [name for name, kind in kinds.items() if TAKES_PATH.search(kind) or (name in OF_A_NAME and "str" in kind)]


def call(function, paths, path):
    """Call a reader with a path for each path parameter, and use its result, as lazy readers read only then."""
    words = {}
    for each in inspect.signature(function).parameters.values():
        if each.name in paths:
            several = re.search(r"[Ss]equence|tuple|list", str(each.annotation))
            words[each.name] = [path] if several else (str(path) if each.name in OF_A_NAME else path)
        elif each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL) and each.default is each.empty:
            words[each.name] = torch.nn.Linear(2, 2) if each.name == "model" else FILLED.get(each.name)
    returned = function(**words)
    for name in dir(returned) if type(returned).__module__.startswith("topolearn") else ():
        if not name.startswith("_") and not callable(getattr(type(returned), name, None)):
            getattr(returned, name, None)
    if inspect.isgenerator(returned):
        list(returned)
    return returned


SOURCES = sorted(Path(topolearn.__file__).parent.rglob("*.py"))
