"""Each rule has one obvious place: the README names existing files, and only `kinds.py` tells kinds apart."""

import re
from pathlib import Path

import pytest

import topolearn
from topolearn.evolution import METHODS, Method
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.ordinary import Ordinary

ROOM = Path(topolearn.__file__).parent / "evolution"
README = (ROOM / "README.md").read_text(encoding="utf-8")
ONLY_IN = {  # properties that distinguish the kinds, and the files that may use them
    "constant_fan_in": {"methods/method.py", "methods/consistency.py", "methods/table.py", "kinds.py"},
    "reselects_links": {"methods/method.py", "methods/consistency.py", "kinds.py"},
    "has_signs": {"methods/method.py", "methods/consistency.py", "methods/table.py", "kinds.py"},
}


def places():
    """Return the rows of the README's table of places: the topic, and the paths that it names."""
    table = README.split("## Where is …?")[1].split("##")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")][1:]
    return [(what.strip(), re.findall(r"`([\w./]+(?:\.py|/))`", where)) for what, where in rows if "---" not in what]


@pytest.mark.parametrize(("what", "paths"), places(), ids=[what for what, _ in places()])
def test_the_readme_names_existing_places(what, paths):
    assert paths, f"no file is named for {what}"
    assert [path for path in paths if not (ROOM / path).exists()] == []


def test_every_file_that_the_readme_names_exists():
    named = set(re.findall(r"(?<![\w/.])((?:\.\./)?[\w/]+\.py)\b", README)) - {"analysis/preset_search.py"}
    folders = [ROOM, ROOM.parent, *(ROOM / room for room in ("schedules", "removal", "topkast", "deepr", "per_link"))]
    assert len(named) > 20
    assert [name for name in sorted(named) if not any((folder / name).is_file() for folder in folders)] == []


@pytest.mark.parametrize("name", ONLY_IN)
def test_only_one_place_tells_the_kinds_apart(name):
    asking = {
        path.relative_to(ROOM).as_posix()
        for path in ROOM.parent.rglob("*.py")
        if re.search(rf"\.{name}\b", path.read_text(encoding="utf-8"))
    }
    assert asking <= ONLY_IN[name]
    assert "kinds.py" in asking


def test_properties_that_tell_the_kinds_apart_are_those_of_methods():
    assert all(hasattr(Method, name) for name in ONLY_IN)


def test_most_methods_are_of_the_ordinary_kind():
    special = {name for name, row in METHODS.items() if type(kind_of(row)) is not Ordinary}
    assert special == {"srigl", "topkast", "deepr"}
    assert all(isinstance(kind_of(row), Ordinary) for row in METHODS.values())
