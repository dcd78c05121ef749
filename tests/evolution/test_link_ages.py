"""Link ages and explored cells, checked against dictionaries, and the memory that they take."""

from copy import copy

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

import topolearn as tl
from topolearn.evolution.per_link.ages import MOST, LinkAges
from topolearn.sparse import LinkChange
from topolearn.sparse.link_list import ListedCells

N_CELLS = 24
SETS = st.sets(st.integers(0, N_CELLS - 1), min_size=1, max_size=N_CELLS)  # layers have links at all times


def cells(numbers):
    return torch.tensor(sorted(numbers), dtype=torch.int64)


@given(first=SETS, later=st.lists(st.tuples(SETS, st.booleans()), max_size=6), restores=st.booleans())
def test_ages_and_explored_cells_are_those_of_every_link(first, later, restores):
    ages = LinkAges(ListedCells(cells(first)), (4, 6))
    born, explored, links = dict.fromkeys(first, 0), set(first), set(first)
    for step, (after, by_change) in enumerate(later, start=1):
        former_ages, known = copy(ages), int(ages.n_explored)
        if by_change:
            ages.change(LinkChange.of(cells(links), cells(links - after), cells(after - links)), step)
        else:
            ages.follow(cells(after), step)
        assert int(former_ages.n_explored) == known
        born = {link: born.get(link, step) if link in links else step for link in after}
        explored, links = explored | after, set(after)
        if restores:
            state = cells(links), ages.born(), ages.explored()
            ages = LinkAges(ListedCells(cells(first)), (4, 6))
            ages.restore(*state)
        assert ages.born().tolist() == [born[link] for link in sorted(links)]
        assert ages.born().dtype == torch.int64
        assert ages.explored().tolist() == sorted(explored)
        assert int(ages.n_explored) == len(explored)


def test_links_that_are_lost_and_grow_again_in_an_update_keep_their_age():
    ages = LinkAges(ListedCells(cells({1, 4})), (4, 6))
    ages.change(LinkChange.of(cells({1, 4}), lost=cells({1}), grown=cells({1})), 3)
    assert ages.born().tolist() == [0, 0]
    assert int(ages.n_explored) == 2


def test_steps_beyond_32_bits_are_exact():
    ages = LinkAges(ListedCells(cells({1, 4})), (4, 6))
    for step, after in ((5, {1, 2}), (MOST, {1, 2, 3}), (MOST + 7, {1, 2, 3, 5})):
        ages.follow(cells(after), step)
    assert ages.born().tolist() == [0, 5, MOST, MOST + 7]


@pytest.mark.parametrize(("backend", "changes_outside"), [("csr", False), ("csr", True), ("masked", True)])
def test_ages_are_right_if_other_code_changes_links_and_are_kept_without_a_second_list(backend, changes_outside):
    torch.manual_seed(0)
    method = tl.method("set", density=0.3)
    model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(12, 10)), method, exclude=[], backend=backend, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=20, interval=2)
    layer = model[0]
    known, born = set(layer.cells().tolist()), {}
    explored = set(known)
    for step in range(1, 9):
        model(torch.randn(4, 12)).sum().backward()
        optimizer.step()
        if changes_outside and step == 5:
            layer.set_links(torch.arange(layer.n_links))
        if topology.step() is not None:
            links = layer.cells().tolist()
            born = {link: born.get(link, 0) if link in known else step for link in links}
            known, explored = set(links), explored | set(links)
            assert (step - topology.link_ages()["0"]).tolist() == [born[link] for link in links]
    assert topology.itop_rate()["0"] == pytest.approx(len(explored) / 120)
    if backend == "csr":
        assert topology._links.ages["0"]._links.col.data_ptr() == layer.col.data_ptr()
