"""`LinkChange`: lists follow the links, and a layer changes as if all its links were set."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import topolearn as tl
from topolearn.sparse import LinkChange

CELLS = st.sets(st.integers(0, 30))


def as_tensor(cells):
    return torch.tensor(sorted(cells), dtype=torch.int64)


@given(before=CELLS, lost=CELLS, grown=CELLS)
def test_links_that_stay_keep_their_entries_and_new_ones_start_over(before, lost, grown):
    lost = lost & before
    grown = grown - (before - lost)  # a link that is lost may grow again
    change = LinkChange.of(as_tensor(before), as_tensor(lost), as_tensor(grown))
    assert change.cells.tolist() == sorted((before - lost) | grown)
    expected = [-1 if cell in grown else 10 * cell for cell in change.cells.tolist()]
    assert change.moved(10 * as_tensor(before), -1).tolist() == expected
    assert change.moved(10 * as_tensor(before), 7 * change.grown)[change.new].tolist() == (7 * change.grown).tolist()


@given(before=CELLS, after=CELLS)
def test_the_change_between_two_lists(before, after):
    change = LinkChange.between(as_tensor(before), as_tensor(after))
    expected = LinkChange.of(as_tensor(before), as_tensor(before - after), as_tensor(after - before))
    for name in ("lost", "grown", "cells", "new"):
        assert getattr(change, name).equal(getattr(expected, name))
    state = 10 * as_tensor(before)
    assert change.moved(state).equal(expected.moved(state))


@pytest.mark.parametrize("n_grown", [2, 9])
@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_layer_changes_as_if_all_its_links_were_set(backend, n_grown):
    torch.manual_seed(0)
    graph = tl.generators.erdos_renyi(7, 5, 0.4, seed=0)
    layer, other = (tl.SparseLinear(7, 5, graph, backend=backend) for _ in range(2))
    other.load_state_dict(layer.state_dict())
    cells = layer.cells()
    free = torch.tensor(sorted(set(range(35)) - set(cells.tolist())))
    lost, grown = cells[[0, 3, 4, -1]], free[-n_grown:]
    x = torch.randn(4, 7)
    for each in (layer, other):
        each(x).square().sum().backward()
    state = torch.zeros_like(layer.link_parameter).copy_(layer.link_parameter.grad)
    change = LinkChange.of(cells, lost, grown)
    moved = layer.change_links(change), other.set_links(change.cells)
    assert layer.cells().equal(other.cells())
    assert layer.n_links == cells.numel() - 4 + n_grown
    assert layer.graph == other.graph
    for changed, expected in zip(layer.state_dict().values(), other.state_dict().values(), strict=True):
        assert changed.equal(expected)
    assert layer.link_parameter.grad.equal(other.link_parameter.grad)
    assert moved[0](state.clone()).equal(moved[1](state.clone()))
    for each in (layer, other):
        each.link_parameter.grad = None
        each(x).square().sum().backward()
    assert layer.link_parameter.grad.equal(other.link_parameter.grad)
    assert layer(x).equal(other(x))
    returned = LinkChange.of(layer.cells(), grown[:1], grown[:1])
    layer.set_link_values(torch.ones(layer.n_links))
    layer.change_links(returned)
    assert layer.cells()[layer.link_values() == 0].tolist() == grown[:1].tolist()


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_values_by_cells_and_a_stamp_of_the_links(backend):
    layer = tl.SparseLinear(7, 5, tl.generators.erdos_renyi(7, 5, 0.4, seed=0), backend=backend)
    cells, stamp = layer.cells(), layer.link_stamp
    assert layer.values_at(cells).equal(layer.link_values())
    layer.set_values_at(cells, torch.arange(14.0))
    assert layer.link_values().tolist() == list(range(14))
    assert layer.dense_weight().count_nonzero() == 13
    assert layer.link_stamp[0] is stamp[0]
    assert layer.link_stamp[1] == stamp[1]
    for change in (
        lambda: layer.set_links(cells[1:]),
        lambda: layer.change_links(LinkChange.of(cells[1:], cells[1:2], cells[:1])),
    ):
        change()
        assert layer.link_stamp[0] is not stamp[0] or layer.link_stamp[1] != stamp[1]
        stamp = layer.link_stamp
