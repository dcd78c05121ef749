"""Named parts: look-up, suggestions, and that nobody changes them by accident."""

from collections.abc import Mapping

import pytest

from topolearn.errors import TopolearnError, UnknownNameError
from topolearn.registry import Registry, suggest


@pytest.fixture
def parts():
    return {"ring": 1, "grid": 2, "star": None}


@pytest.fixture
def shapes(parts):
    return Registry("shape", parts)


def test_parts_are_found_by_name_and_shown_in_order(shapes, parts):
    assert shapes["ring"] == 1
    assert shapes["star"] is None
    assert list(shapes) == ["ring", "grid", "star"]
    assert dict(shapes) == parts
    assert list(shapes.items()) == list(parts.items())
    assert len(shapes) == 3
    assert shapes == parts
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
def test_unknown_names_name_the_nearest(shapes, name, message):
    with pytest.raises(UnknownNameError) as refusal:
        shapes[name]
    assert str(refusal.value) == message
    assert isinstance(refusal.value, TopolearnError)
    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, KeyError)


def test_get_has_a_default(shapes):
    assert shapes.get("grid") == 2
    assert shapes.get("gird") is None
    assert shapes.get("gird", 9) == 9
    assert shapes.get("star", 9) is None


def test_a_registry_is_read_only(shapes, parts):
    assert isinstance(shapes, Mapping)
    with pytest.raises(TypeError):
        shapes["ring"] = 5
    with pytest.raises(TypeError):
        del shapes["ring"]
    assert not any(hasattr(shapes, change) for change in ("pop", "update", "setdefault", "clear", "popitem"))
    parts["disc"] = 3
    del parts["ring"]
    assert list(shapes) == ["ring", "grid", "star"]


def test_suggestions():
    assert suggest("betta", ["alpha", "beta"]) == "did you mean 'beta'? Known names: alpha, beta"
    assert suggest("q", ["alpha", "beta"]) == "Known names: alpha, beta"
