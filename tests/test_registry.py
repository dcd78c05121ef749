"""Registries: lookup, suggestions, and protection against accidental changes."""

from collections.abc import Mapping

import pytest

from topolearn.errors import InvalidTypeError, InvalidValueError, TopolearnError, UnknownNameError
from topolearn.registry import Registry, suggest


@pytest.fixture
def entries():
    return {"ring": 1, "grid": 2, "star": None}


@pytest.fixture
def shapes(entries):
    return Registry("shape", entries)


def test_entries_are_looked_up_by_name_and_shown_in_order(shapes, entries):
    assert shapes["ring"] == 1
    assert shapes["star"] is None
    assert list(shapes) == ["ring", "grid", "star"]
    assert dict(shapes) == entries
    assert list(shapes.items()) == list(entries.items())
    assert len(shapes) == 3
    assert shapes == entries
    assert repr(shapes) == "Registry('shape': ring, grid, star)"


@pytest.mark.parametrize("name", ["ring", "grid", "star"])
def test_membership(shapes, name):
    assert name in shapes
    assert name.upper() not in shapes
    assert 7 not in shapes


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rnig", "unknown shape 'rnig': did you mean 'ring'? Known names: ring, grid, star"),
        ("GRID", "unknown shape 'GRID': did you mean 'grid'? Known names: ring, grid, star"),
        ("xyz", "unknown shape 'xyz': Known names: ring, grid, star"),
        ("", "unknown shape '': Known names: ring, grid, star"),
        (7, "unknown shape 7: Known names: ring, grid, star"),
    ],
)
def test_unknown_names_suggest_the_closest(shapes, name, message):
    with pytest.raises(UnknownNameError) as error:
        shapes[name]
    assert str(error.value) == message
    assert isinstance(error.value, TopolearnError)
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, KeyError)


def test_get_has_a_default(shapes):
    assert shapes.get("grid") == 2
    assert shapes.get("gird") is None
    assert shapes.get("gird", 9) == 9
    assert shapes.get("star", 9) is None


def test_a_registry_is_read_only(shapes, entries):
    assert isinstance(shapes, Mapping)
    with pytest.raises(TypeError):
        shapes["ring"] = 5
    with pytest.raises(TypeError):
        del shapes["ring"]
    assert not any(hasattr(shapes, change) for change in ("pop", "update", "setdefault", "clear", "popitem"))
    entries["disc"] = 3
    del entries["ring"]
    assert list(shapes) == ["ring", "grid", "star"]


def test_a_custom_entry_is_added_and_removed(shapes):
    assert shapes.register("my_disc", 3) == 3
    assert list(shapes) == ["ring", "grid", "star", "my_disc"]
    shapes.register("my_disc", 4)  # for example, when a notebook cell runs again
    assert shapes["my_disc"] == 4
    with pytest.raises(UnknownNameError, match=r"did you mean 'my_disc'\?"):
        shapes["my_dics"]
    shapes.unregister("my_disc")
    assert "my_disc" not in shapes
    with pytest.raises(InvalidValueError, match="'my_disc' is not registered"):
        shapes.unregister("my_disc")


@pytest.mark.parametrize("name", ["", "two words", "7up", "a-soft", "a+b", 7, None, "ä"])
def test_names_that_a_configuration_cannot_contain_are_rejected(shapes, name):
    with pytest.raises(InvalidValueError, match="a name consists of letters, digits and underscores"):
        shapes.register(name, 3)


def test_built_in_entries_stay_as_they_are(shapes):
    with pytest.raises(InvalidValueError, match="'ring' is built in: choose another name"):
        shapes.register("ring", 3)
    with pytest.raises(InvalidValueError, match="'ring' is built in"):
        shapes.unregister("ring")
    assert shapes["ring"] == 1


def test_an_entry_of_another_type_is_rejected(shapes):
    with pytest.raises(InvalidTypeError, match="'three' is not a shape: register a NoneType or int"):
        shapes.register("my_disc", "three")


def test_suggestions():
    assert suggest("betta", ["alpha", "beta"]) == "did you mean 'beta'? Known names: alpha, beta"
    assert suggest("q", ["alpha", "beta"]) == "Known names: alpha, beta"
