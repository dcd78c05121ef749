"""What the README and the documentation show runs as it stands; so does the gallery."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import networkx
import pytest
from matplotlib import pyplot

from tests.docs.pages import DOCS, ROOT, blocks, name_of, pages_with
from topolearn import read_graph

GALLERY = sorted((DOCS / "gallery").glob("plot_*.py"))
# `make` is only asked what it would do: the suite must not start itself.
DRY_MAKE = f'make() {{ command make --dry-run -C "{ROOT}" "$@" > /dev/null; }}\n'

# What must hold at the end of a page, beyond that its code runs: expressions in the names that the page defines.
HOLDS = {
    "README.md": [
        "topology.n_updates == 9", "graph.n_links == 78", "tl.Run('runs/mine').path.joinpath('report.html').is_file()",
    ],
    "docs/how_to/own_network.md": [
        "weights.sum() == 231", "karate.n_links == 78", "scores.shape == (14, 18)", "new.shape == (10, 2)",
        "drugs.n_links == 9", "merged.n_links == 2",
    ],
    "docs/how_to/own_loop.md": [
        "topology.n_updates == 9", "run.path.joinpath('report.html').is_file()", "its_topology.n_steps == 200",
        "isinstance(WandbLogger.__new__(WandbLogger), tl.recording.Logger)",
    ],
    "docs/how_to/transformers.md": ["len(network.groups) == 6", "len(tl.topology_of(model).groups) == 6"],
    "docs/how_to/backends_and_threads.md": ["topology.n_updates == 9", "type(model[0]).__name__ == 'CsrLinear'"],
    "docs/how_to/studies.md": ["runs['state'].tolist() == ['done'] * 12", "sum(rates) == 1"],
    "docs/how_to/look_at_topology.md": ["world.sigma > 1", "len(run.history.steps) >= 2"],
    "docs/how_to/own_method.md": ["config.overrides == {'regrowth': 'degree_product-soft'}", "topology.n_updates == 3"],
    "docs/how_to/resume.md": ["len(tl.Run('run').metrics) == 20", "set(table['state']) == {'whole'}"],
    "docs/how_to/trainers.md": ["(topology.n_steps, topology.n_updates) == (50, 4)"],
    "docs/tutorials/network_scientist.md": ["karate.n_links == 78", "0 < world.omega < 1", "len(scores) == 9"],
    "docs/tutorials/deep_learning.md": ["accuracy > 0.5", "run.history.updates['regrown'].sum() > 0"],
    "docs/tutorials/hugging_face.md": ["zeros > 0", "len(network) == 14", "len(run.history.steps) == 4"],
}  # fmt: skip


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
    for expression in HOLDS.get(name_of(page), []):
        assert eval(expression, namespace), expression


def test_pages_whose_results_are_checked_are_there():
    assert set(HOLDS) <= {name_of(page) for page in pages_with("python")}


@pytest.mark.parametrize("name", ["README.md", "docs/how_to/own_network.md"])
def test_the_line_that_says_how_a_file_was_read_is_the_one_shown(name, empty_folder):
    networkx.write_weighted_edgelist(networkx.karate_club_graph(), "karate.txt")
    line = str(read_graph("karate.txt", sides=1).source)
    text = (ROOT / name).read_text(encoding="utf-8")
    (shown,) = re.findall(r"# (karate\.txt: .*?)(?:; \.\.\.)?$", text, flags=re.MULTILINE)
    assert line.startswith(shown)


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
