"""Pages link to what is there, methods have their pages, tables come from the files, the diagram shows the imports."""

import ast
import re
import shlex
import subprocess
import sys

import networkx as nx
import pandas as pd
import pytest

from docs.extensions import method_defaults, results, rooms_diagram
from tests.docs.pages import BLOCK, DOCS, PAGES, ROOT, directives, name_of
from tests.house import PACKAGE, ROOMS, rooms_imported
from topolearn import plotting
from topolearn.evolution import METHODS
from topolearn.studies import to_markdown

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
MODULE = re.compile(r"python -m (analysis(?:\.\w+)+)")
TABLES = sorted({argument for page in PAGES for name, argument in directives(page) if name == "results-table"})
MADE_BY_SPHINX = {"gallery_built/index"}


def prose(page):
    """The text of a page without its code."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_are_there(page):
    targets = [target for target in LINK.findall(prose(page)) if not re.match(r"\w+:", target)]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_programs_that_a_page_names_are_there(page):
    for module in MODULE.findall(page.read_text(encoding="utf-8")):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


def test_every_page_is_in_the_table_of_contents_of_its_folder():
    for folder in {page.parent for page in PAGES if DOCS in page.parents}:
        listed = re.findall(r"```\{toctree\}\n(.*?)```", (folder / "index.md").read_text(encoding="utf-8"), re.DOTALL)
        entries = {line for block in listed for line in block.split("\n") if line and not line.startswith(":")}
        pages = {page.stem for page in folder.glob("*.md")} - {"index"}
        if folder == DOCS:
            pages |= {f"{each.parent.name}/index" for each in DOCS.glob("*/index.md")} | MADE_BY_SPHINX
        assert entries == pages, folder


def test_every_method_has_its_page():
    pages = {page.stem for page in (DOCS / "methods").glob("*.md")}
    assert set(METHODS) <= pages
    for name in METHODS:
        assert ("method-defaults", name) in directives(DOCS / "methods" / f"{name}.md")


@pytest.mark.parametrize("name", METHODS)
def test_defaults_are_those_of_the_registry(name):
    table = method_defaults.defaults(name)["default"]
    assert table["`density`"] == f"`{METHODS[name].density!r}`"
    assert len(table) >= 2


@pytest.mark.parametrize("arguments", TABLES)
def test_tables_are_computed(arguments):
    name, *rest = shlex.split(arguments)
    keywords = dict(each.split("=", 1) for each in rest if "=" in each)
    table = results.TABLES[name](*(each for each in rest if "=" not in each), **keywords)
    assert isinstance(table, pd.DataFrame)
    assert len(table)


def test_every_table_is_shown_somewhere():
    assert {shlex.split(arguments)[0] for arguments in TABLES} == set(results.TABLES)


def test_the_diagram_of_packages_shows_the_imports():
    drawn = rooms_diagram.imports_of(DOCS / "design" / "rooms.csv")
    imports = nx.DiGraph()
    imports.add_nodes_from(ROOMS)
    for room in ROOMS:
        for path in (PACKAGE / room).rglob("*.py"):
            below = {name for _, name in rooms_imported(ast.parse(path.read_text(encoding="utf-8")), room)}
            imports.add_edges_from((room, name) for name in below & set(ROOMS))
    assert set(drawn.nodes) == set(imports.nodes)
    assert set(drawn.edges) == set(imports.edges)
    assert len(rooms_diagram.draw(drawn).axes[0].texts) >= len(ROOMS)


def test_the_gallery_shows_most_pictures():
    text = "\n".join(script.read_text(encoding="utf-8") for script in (DOCS / "gallery").glob("plot_*.py"))
    shown = {name for name in plotting.__all__ if f"plotting.{name}(" in text}
    assert len(shown) >= 14, sorted(set(plotting.__all__) - shown)


def test_the_readme_has_the_tables_of_the_committed_files():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert to_markdown(results.table1_short()) in text


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < 1400


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_site_builds_strictly(tmp_path):
    pytest.importorskip("sphinx", reason="needs the extra docs")
    options = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    command = [sys.executable, "-m", "sphinx", *options, "docs", str(tmp_path / "html")]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "html" / "index.html").is_file()
