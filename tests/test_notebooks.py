"""Every notebook runs from top to bottom at a small size, in its own namespace, and is committed with its outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot
from traitlets.config import Config

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


class Shell(InteractiveShell):
    """A shell for inline figures, which need no event loop."""

    def enable_gui(self, gui=None):
        assert gui is None

    def init_virtualenv(self):
        """Do not look for another environment: the tests already run in theirs."""


def small(notebook):
    """Return the code of a notebook, with the "small" values of its metadata after the cell tagged ``parameters``."""
    values = "".join(f"\n{name} = {value!r}" for name, value in notebook.metadata.get("small", {}).items())
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tagged = ["parameters" in cell.metadata.get("tags", []) for cell in cells]
    assert sum(tagged) == bool(values)
    return [cell.source + values * is_tagged for cell, is_tagged in zip(cells, tagged, strict=True)]


@pytest.fixture
def shell(monkeypatch, registries_as_before):
    """Return a shell with an empty namespace."""
    monkeypatch.chdir(NOTEBOOKS[0].parent)
    shell = Shell.instance(config=Config(HistoryManager={"enabled": False}))
    yield shell
    Shell.clear_instance()
    pyplot.switch_backend("agg")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, shell):
    for source in small(nbformat.read(path, as_version=4)):
        shell.run_cell(source).raise_error()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_with_its_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    text = path.read_text(encoding="utf-8")
    assert not re.search(r'["\'](/(home|root|work|tmp)/)', text)
    assert len(text) < 500_000
