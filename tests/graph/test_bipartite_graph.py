import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networkx.algorithms import bipartite
from scipy import sparse

from tests.profiles import examples
from topolearn import errors
from topolearn.graph import BipartiteGraph

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")
FEW = examples(30)
DENSE = np.array([[1, 0, 1, 0], [0, 0, 1, 0], [1, 0, 1, 1]])
EDGES = [[0, 0], [0, 2], [2, 0], [2, 1], [2, 2], [3, 2]]


def with_zero(kind):
    """The links of DENSE, one of them stored as 0, in a scipy format."""
    rows, columns = DENSE.nonzero()
    return kind((np.arange(rows.size, dtype=float), (rows, columns)), shape=DENSE.shape)


SPARSE = {
    "csr": with_zero(sparse.csr_array),
    "csc": with_zero(sparse.csc_array),
    "coo": with_zero(sparse.coo_array),
    "csr_matrix": with_zero(sparse.csr_matrix),
    "duplicates": sparse.coo_array(
        (np.array([1, -1, *[0] * 5]), (np.array([0, 0, *DENSE.nonzero()[0][1:]]), [0, 0, *DENSE.nonzero()[1][1:]])),
        shape=DENSE.shape,
    ),
    "lil": sparse.lil_array(DENSE),
    "dok": sparse.dok_array(DENSE),
    "dia": sparse.dia_array(DENSE),
    "bsr": sparse.bsr_array(DENSE, blocksize=(3, 2)),
    "bool": sparse.csr_array(DENSE.astype(bool)),
}
ROWS, COLUMNS = (torch.tensor(ends) for ends in DENSE.nonzero())
WEIGHTS = torch.arange(6.0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch calls its sparse tensors unfinished
    TENSORS = {
        "long": torch.tensor(DENSE),
        "bool": torch.tensor(DENSE, dtype=torch.bool),
        "bfloat16": torch.tensor(DENSE, dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.tensor(DENSE, dtype=torch.float32)),
        "transposed": torch.tensor(DENSE.T.copy()).T,
        "coo": torch.sparse_coo_tensor(torch.stack([ROWS, COLUMNS]), WEIGHTS, (3, 4)),
        "coo twice": torch.sparse_coo_tensor(
            torch.stack([ROWS, COLUMNS]).repeat(1, 2), torch.cat([WEIGHTS, -WEIGHTS]), (3, 4)
        ),
        "csr": torch.sparse_csr_tensor(torch.tensor([0, 2, 3, 6]), COLUMNS, WEIGHTS, (3, 4)),
    }
NUMPY = {
    "int": DENSE,
    "float": DENSE * -0.5,
    "fortran": np.asfortranarray(DENSE),
    "view": np.repeat(DENSE, 2, axis=1)[:, ::2],
    "inf": DENSE * np.where(DENSE, np.inf, 1),
}
ADJACENCIES = {
    f"{kind}-{name}": value
    for kind, values in {"scipy": SPARSE, "torch": TENSORS, "numpy": NUMPY}.items()
    for name, value in values.items()
}


@pytest.mark.parametrize("adjacency", ADJACENCIES.values(), ids=ADJACENCIES.keys())
def test_every_kind_of_adjacency_gives_the_same_graph(adjacency):
    graph = BipartiteGraph(adjacency)
    assert graph.edges().tolist() == EDGES
    assert graph == BipartiteGraph.from_edges(EDGES, n_in=4, n_out=3)


@FEW
@given(data=st.data())
def test_numbers_agree_with_dense_and_networkx(data, graphs):
    graph = data.draw(graphs())
    dense = graph.to_scipy().toarray()
    assert dense.shape == graph.shape == (graph.n_out, graph.n_in)
    assert dense.dtype == bool
    assert graph.n_links == dense.sum()
    assert graph.density == dense.mean()
    assert graph.fan_in.tolist() == dense.sum(axis=1).tolist()
    assert graph.fan_out.tolist() == dense.sum(axis=0).tolist()
    assert graph.cells.tolist() == np.flatnonzero(dense).tolist()
    assert graph.edges().tolist() == np.argwhere(dense.T).tolist()
    peer = graph.to_networkx()
    inputs = range(graph.n_in)
    outputs = range(graph.n_in, graph.n_in + graph.n_out)
    theirs = bipartite.biadjacency_matrix(peer, outputs, inputs).toarray()
    assert (theirs.astype(bool) == dense).all()
    assert graph.degrees.tolist() == [peer.degree(i) for i in (*inputs, *outputs)]
    assert graph.edges().dtype == graph.cells.dtype == graph.fan_in.dtype == graph.fan_out.dtype == np.int64


@FEW
@given(data=st.data())
def test_edges_and_cells_in_any_order_give_the_graph_back(data, graphs):
    graph = data.draw(graphs(named=False))
    order = data.draw(st.permutations(range(graph.n_links)))
    assert BipartiteGraph.from_edges(graph.edges()[order], graph.n_in, graph.n_out) == graph
    assert BipartiteGraph.from_cells(graph.cells[order], graph.n_in, graph.n_out) == graph
    assert BipartiteGraph.from_edges(graph.edges().astype(np.uint8), graph.n_in, graph.n_out) == graph


@FEW
@given(data=st.data())
def test_copies_and_pickles_are_equal(data, graphs):
    graph = data.draw(graphs())
    assert copy.copy(graph) == copy.deepcopy(graph) == pickle.loads(pickle.dumps(graph)) == graph
    assert hash(pickle.loads(pickle.dumps(graph))) == hash(graph)


def test_equality_looks_at_sizes_links_and_names():
    graph = BipartiteGraph.from_edges([(0, 0)], 2, 2, input_names=["a", "b"])
    others = [
        BipartiteGraph.from_edges([(0, 0)], 2, 2),
        BipartiteGraph.from_edges([(0, 0)], 2, 2, output_names=["a", "b"]),
        BipartiteGraph.from_edges([(0, 0)], 2, 2, input_names=["a", "c"]),
        BipartiteGraph.from_edges([(0, 0)], 2, 2, input_names=["a", "b"], output_names=["a", "b"]),
        BipartiteGraph.from_edges([(0, 1)], 2, 2, input_names=["a", "b"]),
        BipartiteGraph.from_edges([(1, 0)], 2, 2, input_names=["a", "b"]),
        BipartiteGraph.from_edges([(0, 0)], 2, 3, input_names=["a", "b"]),
        BipartiteGraph.from_edges([(0, 0)], 3, 2),
        "graph",
    ]
    assert all(graph != other for other in others)
    assert len({graph, *others}) == len(others) + 1


@pytest.mark.parametrize("name", ["cells", "fan_in", "fan_out", "degrees", "_indptr", "_indices"])
def test_arrays_are_read_only(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(BipartiteGraph(DENSE), name)[0] = 7


@pytest.mark.parametrize("name", ["n_in", "n_links", "cells", "input_names", "_indptr", "anything"])
def test_attributes_can_neither_be_set_nor_deleted(name):
    graph = BipartiteGraph(DENSE)
    with pytest.raises(AttributeError, match=f"'{name}' is read-only"):
        setattr(graph, name, 3)
    with pytest.raises(AttributeError, match=f"'{name}' is read-only"):
        delattr(graph, name)
    assert graph == BipartiteGraph(DENSE)


def test_neither_sources_nor_results_share_memory_with_the_graph():
    source = sparse.csr_array(DENSE)
    cells = np.array([0, 5])
    graph, small = BipartiteGraph(source), BipartiteGraph.from_cells(cells, 3, 2)
    source.indices[:] = 0
    cells[:] = 1
    graph.to_scipy().indices[:] = 0
    graph.edges()[:] = 0
    graph.to_torch()[:] = False
    assert graph.edges().tolist() == EDGES
    assert small.cells.tolist() == [0, 5]


def test_names_become_plain_tuples():
    graph = BipartiteGraph(DENSE, input_names=np.array(list("abcd")), output_names=(str(i) for i in range(3)))
    assert graph.input_names == ("a", "b", "c", "d")
    assert graph.output_names == ("0", "1", "2")
    assert {type(name) for name in graph.input_names} == {str}


def test_repr_says_what_the_graph_is():
    assert repr(BipartiteGraph(DENSE)) == (
        "BipartiteGraph(4 inputs x 3 outputs, 6 links, density 50.00%, fan-in 1-3, fan-out 0-3)"
    )
    assert repr(BipartiteGraph(np.eye(2))).endswith("density 50.00%, fan-in 1, fan-out 1)")
    assert repr(BipartiteGraph(np.zeros((2, 3)))) == "BipartiteGraph(3 inputs x 2 outputs, no links)"
    assert "density 0.0001%" in repr(BipartiteGraph.from_cells([0], 1000, 1000))


HYBRID = torch.sparse_coo_tensor(torch.tensor([[0]]), torch.ones(1, 2), (2, 2))
BROKEN = torch.sparse_csr_tensor(torch.tensor([0, 1]), torch.tensor([7]), torch.ones(1), (1, 2), check_invariants=False)
NAN = np.array([[1.0, np.nan]])


@pytest.mark.parametrize(
    ("adjacency", "error", "message"),
    [
        (np.ones(3), errors.InvalidValueError, r"shape \(3,\): pass an array of two dimensions"),
        (torch.ones(1, 2, 3), errors.InvalidValueError, r"shape \(1, 2, 3\): pass an array of two dimensions"),
        (sparse.coo_array(np.ones(3)), errors.InvalidValueError, r"shape \(3,\): pass an array of two dimensions"),
        (np.ones((0, 3)), errors.InvalidValueError, "n_in=3, n_out=0: each side needs at least 1 neuron"),
        (sparse.csr_array((3, 0)), errors.InvalidValueError, "n_in=0, n_out=3: each side needs at least 1"),
        (torch.ones(3, 0), errors.InvalidValueError, "n_in=0, n_out=3: each side needs at least 1"),
        (NAN, errors.InvalidValueError, r"adjacency\[0, 1\] is nan: replace"),
        (torch.tensor(NAN), errors.InvalidValueError, r"adjacency\[0, 1\] is nan: replace"),
        (sparse.csr_array(NAN), errors.InvalidValueError, r"adjacency\[0, 1\] is nan: replace"),
        (sparse.bsr_array(NAN), errors.InvalidValueError, r"adjacency\[0, 1\] is nan: replace"),
        (torch.tensor(NAN).to_sparse_csr(), errors.InvalidValueError, r"adjacency\[0, 1\] is nan: replace"),
        (torch.tensor(NAN).to_sparse_coo(), errors.InvalidValueError, r"adjacency\[0, 1\] is nan: replace"),
        (np.ma.masked_array(NAN, mask=[[1, 0]]), errors.InvalidValueError, r"adjacency\[0, 1\] is nan: replace"),
        (np.array([["a"]]), errors.InvalidTypeError, "dtype <U1: pass booleans, integers or floats"),
        (np.array([[1j]]), errors.InvalidTypeError, "dtype complex128"),
        (torch.tensor([[1j]]), errors.InvalidTypeError, "dtype torch.complex64"),
        (sparse.csr_array(np.array([[1j]])), errors.InvalidTypeError, "dtype complex128"),
        ([[1, 0]], errors.InvalidTypeError, "adjacency is a list: pass a scipy"),
        (None, errors.InvalidTypeError, "adjacency is a NoneType: pass a scipy"),
        (HYBRID, errors.InvalidTypeError, r"layout torch.sparse_coo: use adjacency.to_dense\(\)"),
        (torch.eye(2).to_sparse_bsr((1, 1)), errors.InvalidTypeError, r"layout torch.sparse_bsr: use .*to_dense\(\)"),
        (torch.eye(2).to_sparse_bsc((1, 1)), errors.InvalidTypeError, r"layout torch.sparse_bsc: use .*to_dense\(\)"),
        (torch.eye(2).to_sparse_csc(), errors.InvalidTypeError, r"sparse_csc: use adjacency.to_sparse_csr\(\)"),
        (torch.ones(2, 3, device="meta"), errors.InvalidValueError, "on the meta device, which stores no values"),
        (BROKEN, errors.InvalidValueError, r"entry in column 7: columns are 0\.\.1"),
    ],
)
def test_bad_adjacencies_are_rejected(adjacency, error, message):
    with pytest.raises(error, match=message):
        BipartiteGraph(adjacency)


def test_the_conversions_that_messages_recommend_work():
    eye = torch.eye(2)
    converted = [HYBRID.to_dense(), eye.to_sparse_csc().to_sparse_csr(), eye.to_sparse_bsr((1, 1)).to_dense()]
    assert [BipartiteGraph(each).n_links for each in [*converted, eye.to_sparse_bsc((1, 1)).to_dense()]] == [2, 2, 2, 2]


def test_masked_entries_are_no_links():
    masked = np.ma.masked_array([[1.0, 1, np.nan], [0, 2, 1]], mask=[[0, 1, 1], [0, 0, 1]])
    assert BipartiteGraph(masked).edges().tolist() == [[0, 0], [1, 1]]
    assert BipartiteGraph(np.ma.masked_equal([[5, 7]], 7)).edges().tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("edges", "error", "message"),
    [
        ([(0, 0), (1, 1), (0, 0)], errors.InvalidValueError, r"edges\[2\] = \[0, 0\] repeats edges\[0\]"),
        ([(0, 0), (2, 1)], errors.InvalidValueError, r"edges\[1\] = \[2, 1\] is out of range: inputs are 0\.\.1"),
        ([(0, 3)], errors.InvalidValueError, r"edges\[0\] = \[0, 3\] is out of range: .* outputs 0\.\.2"),
        ([(-1, 0)], errors.InvalidValueError, r"edges\[0\] = \[-1, 0\] is out of range"),
        (np.array([[2**64 - 1, 0]], dtype=np.uint64), errors.InvalidValueError, r"\[18446744073709551615, 0\] is out"),
        ([(0.0, 1.0)], errors.InvalidTypeError, r"edges\[0\] = \[0.0, 1.0\] has dtype float64: pass integers"),
        ([(True, False)], errors.InvalidTypeError, "has dtype bool: pass integers"),
        ({(0, 1)}, errors.InvalidTypeError, "has dtype object: pass integers"),
        ([(0, 1), (0,)], errors.InvalidValueError, "edges is not an array of integers"),
        ([(0, 1, 1)], errors.InvalidValueError, r"edges has shape \(1, 3\): pass \(k, 2\) rows"),
        ([0, 1], errors.InvalidValueError, r"edges has shape \(2,\): pass \(k, 2\) rows"),
        (np.empty((0, 3)), errors.InvalidValueError, r"edges has shape \(0, 3\)"),
    ],
)
def test_bad_edges_are_quoted(edges, error, message):
    with pytest.raises(error, match=message):
        BipartiteGraph.from_edges(edges, n_in=2, n_out=3)


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        ([4, 1, 4], errors.InvalidValueError, r"cells\[2\] = 4 repeats cells\[0\]"),
        ([6], errors.InvalidValueError, r"cells\[0\] = 6 is out of range: cells of 2 inputs .* are 0\.\.5"),
        ([0, -1], errors.InvalidValueError, r"cells\[1\] = -1 is out of range"),
        ([0.5], errors.InvalidTypeError, r"cells\[0\] = 0.5 has dtype float64: pass integers"),
        ([[0, 1]], errors.InvalidValueError, r"cells has shape \(1, 2\): pass a 1-D array"),
    ],
)
def test_bad_cells_are_quoted(cells, error, message):
    with pytest.raises(error, match=message):
        BipartiteGraph.from_cells(cells, n_in=2, n_out=3)


@pytest.mark.parametrize(
    ("n_in", "n_out", "error", "message"),
    [
        (0, 2, errors.InvalidValueError, "n_in=0, n_out=2: each side needs at least 1 neuron"),
        (2, -1, errors.InvalidValueError, "n_in=2, n_out=-1: each side"),
        (2.0, 2, errors.InvalidTypeError, "n_in=2.0, n_out=2: sizes must be integers"),
        (True, 2, errors.InvalidTypeError, "n_in=True, n_out=2: sizes must be integers"),
        (2, np.True_, errors.InvalidTypeError, "n_in=2, n_out=np.True_: sizes must be integers"),
        (None, 2, errors.InvalidTypeError, "n_in=None, n_out=2: sizes must be integers"),
        (2**40, 2**40, errors.InvalidValueError, r"must be less than 2\*\*63"),
    ],
)
def test_bad_sizes_are_rejected(n_in, n_out, error, message):
    with pytest.raises(error, match=message):
        BipartiteGraph.from_edges([], n_in, n_out)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["a"], errors.InvalidValueError, "input_names has 1 names for 2 input neurons: pass 2"),
        (["a", "a"], errors.InvalidValueError, r"input_names\[1\] = 'a' repeats input_names\[0\]"),
        (["a", 3], errors.InvalidTypeError, r"input_names\[1\] = 3 is not a string: use str\(3\)"),
        ("ab", errors.InvalidTypeError, "input_names='ab': pass a sequence of 2 strings"),
        (7, errors.InvalidTypeError, "input_names=7: pass a sequence of 2 strings"),
        (["a", ""], errors.InvalidValueError, r"input_names\[1\] = '': a name needs at least 1 character"),
        (["a", "b\n"], errors.InvalidValueError, r"input_names\[1\] = 'b\\n': .* no control characters"),
    ],
)
def test_bad_names_are_quoted(names, error, message):
    with pytest.raises(error, match=message):
        BipartiteGraph(np.eye(2), input_names=names)
