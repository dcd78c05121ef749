"""Compiled functions, cached on disk for other processes: never stale, and never confused with each other.

Numba has such a cache, with two gaps. It recompiles a function when its own file changes, but not when code that it
calls in another file does, as after an upgrade. And it numbers the files of a function's variants, so that two
processes that compile different variants at once may both write number 7, and each run what the other compiled.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.serialize import dumps

ROOT = Path(__file__).parent
IMPORTED = re.compile(rf"^\s*from ({ROOT.name}[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)


class KernelCache(FunctionCache):
    """The cache of one function of this package, with the interface that numba expects."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp(), stamp_of(function.__module__)
        self._cache_file = _NamedFiles(self._cache_path, self._impl.filename_base, stamp)


class _NamedFiles(IndexDataCacheFile):
    """Files named after their content, so that each variant of a function has its own."""

    def save(self, key: Any, data: Any) -> None:
        """Save a variant; if another process saves one at the same moment, it may have to be compiled again."""
        overloads = self._load_index()
        if not overloads:  # existing files belong to other versions of the source
            base = self._index_name.removesuffix(".nbi")
            for path in Path(self._cache_path).glob(f"{base}.*.nbc"):
                path.unlink(missing_ok=True)
        name = hashlib.sha256(dumps((key, self._source_stamp))).hexdigest()[:20]
        overloads[key] = self._data_name_pattern.replace("{number:d}", name)
        self._save_data(overloads[key], data)
        self._save_index(overloads)


@cache
def stamp_of(module: str) -> str:
    """Return a hash of the source of a module of this package and of all modules of the package that it imports."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources_of(module))).hexdigest()


def sources_of(module: str) -> list[Path]:
    """Return the files of a module of this package and of all package modules that it imports, recursively, sorted.

    Examples
    --------
    >>> [path.name for path in sources_of("topolearn.graph.kernels")]
    ['compiling.py', 'kernels.py', 'kernel_cache.py']
    """
    files: set[Path] = set()
    waiting = [module]
    while waiting:
        path = ROOT.joinpath(*waiting.pop().split(".")[1:])
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if file in files or not file.is_file():
            continue
        files.add(file)
        for home, names in IMPORTED.findall(file.read_text(encoding="utf-8")):
            waiting += [home, *(f"{home}.{name}" for name in re.findall(r"\w+", names))]
    return sorted(files)
