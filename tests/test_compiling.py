"""Compiled functions: kept on disk, free of the GIL, and safe to call."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import topolearn
from topolearn.compiling import internal, njit

# All measures of a layer, for which the page about kernels says that they also run without compilation
MEASURED = """
import json
import topolearn as tl
from topolearn.diagnostics import MEASURES, take_measures

graph = tl.generators.make("bsw", 8, 6, 0.4, seed=0)
wanted = [measure for measure in MEASURES.values() if measure.of in ("layer", "graph", "any")]
print(json.dumps(take_measures(graph, wanted)))
"""

ROOT = Path(topolearn.__file__).parent
DECORATED = re.compile(r"^@(?:njit|internal)\b", re.MULTILINE)
MODULES = [
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in sorted(ROOT.rglob("*.py"))
    if DECORATED.search(path.read_text(encoding="utf-8"))
]


def functions_of(name):
    """The compiled functions that a module defines, without those that it imports."""
    module = vars(import_module(name))
    return {key: f for key, f in module.items() if hasattr(f, "py_func") and f.__module__ == name}


def test_modules_with_compiled_functions_were_found():
    assert len(MODULES) > 10
    assert "topolearn.linkpred.compiled.kernels.picking" in MODULES


@pytest.mark.parametrize("module", MODULES)
def test_each_is_kept_and_either_releases_the_gil_or_rejects_calls_from_python(module):
    functions = functions_of(module)
    assert functions
    for name, function in functions.items():
        assert type(function._cache).__name__ == "KernelCache", name
        if type(function).__name__ == "_Internal":
            with pytest.raises(TypeError, match=f"{name} is internal: only compiled functions can call it"):
                function()
        else:
            assert function.targetoptions["nogil"] is True, name


def test_an_internal_function_never_crashes_python():
    """Without the check, the call after the compiled one ends the process with a segmentation fault."""

    @internal
    def twice(x):
        return 2 * x

    @njit(nogil=True)
    def four_times(x):
        return twice(twice(x))

    assert four_times(3) == 12
    for arguments in ((3,), (), (3, 4)):
        with pytest.raises(TypeError, match="twice is internal"):
            twice(*arguments)
    assert twice.py_func(3) == 6


def test_measures_in_plain_python_equal_those_of_compiled_code():
    plain, compiled = (
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", MEASURED],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ("1", "0")
    )
    assert json.loads(plain)["closure"] > 0
    assert plain == compiled
