"""What the README and the documentation show runs as it stands; so does the gallery."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib import pyplot

from tests.docs.pages import DOCS, ROOT, blocks, name_of, pages_with

GALLERY = sorted((DOCS / "gallery").glob("plot_*.py"))
# `make` is only asked what it would do: the suite must not start itself.
DRY_MAKE = f'make() {{ command make --dry-run -C "{ROOT}" "$@" > /dev/null; }}\n'


@pytest.fixture
def empty_folder(monkeypatch, tmp_path, registries_as_before, n_threads):
    """A folder for the files that the code writes; what it registers or draws is gone afterwards."""
    monkeypatch.chdir(tmp_path)
    n_threads(1)
    yield tmp_path
    pyplot.close("all")


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
def test_python_blocks_run(page, empty_folder):
    namespace = {"__name__": "__main__"}
    for code in blocks(page, "python"):
        exec(compile(code, name_of(page), "exec"), namespace)


def readme_first(pages):
    """Return pages as parameters: the README runs in every test run, the others with the slow tests."""
    return [page if page.name == "README.md" else pytest.param(page, marks=pytest.mark.slow) for page in pages]


@pytest.mark.parametrize("page", readme_first(pages_with("sh")), ids=name_of)
def test_shell_blocks_run(page, tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    options = {"cwd": tmp_path, "env": environment, "text": True, "capture_output": True}
    for code in blocks(page, "sh"):
        done = subprocess.run(["bash", "-e"], input=DRY_MAKE + code, check=False, **options)
        assert done.returncode == 0, f"{code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("script", GALLERY, ids=[script.stem for script in GALLERY])
def test_the_gallery_draws(script, empty_folder):
    runpy.run_path(str(script), run_name="__main__")
    assert pyplot.get_fignums()
