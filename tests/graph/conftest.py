"""Random graphs for the tests of this folder."""

import pytest
from hypothesis import strategies as st

from topolearn.graph import BipartiteGraph

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=6)


@st.composite
def _graphs(draw, n_in=None, n_out=None, named=True, max_size=7):
    n_in = draw(st.integers(1, max_size)) if n_in is None else n_in
    n_out = draw(st.integers(1, max_size)) if n_out is None else n_out
    cells = draw(st.lists(st.integers(0, n_in * n_out - 1), unique=True, max_size=n_in * n_out))
    names = [
        draw(st.none() | st.lists(TEXT, min_size=n, max_size=n, unique=True)) if named else None for n in (n_in, n_out)
    ]
    return BipartiteGraph.from_cells(cells, n_in, n_out, input_names=names[0], output_names=names[1])


@pytest.fixture(scope="session")
def graphs():
    """Return the strategy; called as ``data.draw(graphs())``."""
    return _graphs


@pytest.fixture
def table():
    """Three graphs that conversions get wrong: named with isolated neurons, without links, and one link."""
    named = BipartiteGraph.from_edges(
        [(0, 1), (2, 1), (2, 2)],
        n_in=4,
        n_out=3,
        input_names=[" lead", "a,b #x", "é☃🙂", "<&>\"'"],
        output_names=["0", "a  b", "true"],
    )
    empty = BipartiteGraph.from_edges([], n_in=3, n_out=2, output_names=["no", "yes"])
    return [named, empty, BipartiteGraph.from_edges([(1, 0)], n_in=2, n_out=1)]
