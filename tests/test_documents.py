"""Documents for maintainers: the files and packages that they name exist."""

import re
from pathlib import Path

import pytest

import topolearn as tl
from tests.house import ROOMS

ROOT = Path(__file__).parents[1]
PATH = re.compile(r"`((?:topolearn|tests|analysis)/[\w./]+)`")


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_named_files_exist(name):
    missing = [path for path in PATH.findall(text_of(name)) if "NAME" not in path and not (ROOT / path).exists()]
    assert not missing


def test_contributing_names_every_room_and_no_other():
    house = text_of("CONTRIBUTING.md").split("## Packages")[1].split("## ")[0]
    rows = [line.split("|")[1] for line in house.splitlines() if line.startswith("| `")]
    assert {room for row in rows for room in re.findall(r"`(\w+)/`", row)} == set(ROOMS)


def test_contributing_names_the_right_file_of_each_registry():
    table = text_of("CONTRIBUTING.md").split("## Add a component")[1]
    for registry, path in re.findall(r"in `([A-Z_]+)`, `(topolearn/[\w/]+\.py)`", table):
        assert re.search(rf"^{registry}\b.*= ", text_of(path), flags=re.MULTILINE), (registry, path)


def test_the_citation_has_this_version():
    assert f"version: {tl.__version__}\n" in text_of("CITATION.cff")
    assert f"## {tl.__version__}" in text_of("CHANGELOG.md")
