"""Adjacencies with their neurons in any order, and with their names."""

import numpy as np
import pytest

import topolearn as tl
from topolearn import diagnostics as dg
from topolearn import plotting
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import make
from topolearn.graph import BipartiteGraph, Graph
from topolearn.plotting.order import ORDERS, ordered


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_keeps_the_graph(order):
    g = make("bsf", 40, 30, 0.1, seed=0)
    again = ordered(g, order)
    assert sorted(again.fan_in) == sorted(g.fan_in)
    assert dg.closure(again) == dg.closure(g)
    assert order in plotting.adjacency(g, order=order).get_xlabel()


def test_degrees_fall_and_communities_are_blocks():
    degrees = ordered(make("bsf", 40, 30, 0.1, seed=0), "degree")
    assert (np.diff(degrees.fan_in) <= 0).all()
    assert (np.diff(degrees.fan_out) <= 0).all()
    blocks = np.kron(np.eye(2), np.ones((4, 4)))
    mixed = np.random.default_rng(0).permutation(8)
    np.testing.assert_array_equal(ordered(tl.BipartiteGraph(blocks[mixed]), "community").to_scipy().toarray(), blocks)


def test_names_are_at_their_cells_in_any_order():
    g = BipartiteGraph(np.array([[1, 0, 0], [0, 1, 1]]), input_names=["a", "b", "$c_1$"], output_names=["x", "y"])
    ax = plotting.adjacency(g, order=(["$c_1$", "a", "b"], [1, 0]))
    assert [label.get_text() for label in ax.get_xticklabels()] == [r"\$c_1\$", "a", "b"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["y", "x"]
    np.testing.assert_array_equal(ax.images[0].get_array(), [[1, 0, 1], [0, 1, 0]])
    assert ax.get_xlabel() == "input neurons, in a given order"


def test_names_of_many_are_left_out():
    names = [f"n{i}" for i in range(41)]
    ax = plotting.adjacency(BipartiteGraph(np.eye(41), input_names=names, output_names=names))
    assert not {label.get_text() for label in ax.get_xticklabels()} & set(names)


def test_one_mode_graphs_in_any_order():
    g = Graph([(0, 1), (1, 2)], 3, names=["a", "b", "c"])
    ax = plotting.adjacency(g, order=["c", "b", "a"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["c", "b", "a"]
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0, 1, 0], [1, 0, 1], [0, 1, 0]])


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (([0.7, 1.2, 2.9], None), r"order=\[0.7, 1.2, 2.9\] must be a sequence of inputs, each by its number or name"),
        ((None, [[0]]), r"order=\[\[0\]\] must be a sequence of outputs"),
        ((None, 5), r"order=5 must be a sequence of outputs"),
        (([0, 1, 1], None), "3 inputs, but must contain each of the 3 once"),
        ((None, ["x"]), "1 outputs, but must contain each of the 2 once"),
        ((["a", "b", "zebra"], None), "each of the 3 once, by number or name"),
        ([0, 1, 2], r"must be one of degree, community, or a pair \(inputs, outputs\)"),
    ],
)
def test_an_incomplete_order_is_rejected(order, said):
    g = BipartiteGraph(np.array([[1, 0, 0], [0, 1, 1]]), input_names=["a", "b", "c"], output_names=["x", "y"])
    with pytest.raises((InvalidTypeError, InvalidValueError), match=said):
        plotting.adjacency(g, order=order)
