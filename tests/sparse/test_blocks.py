"""Neurons in blocks: where their links begin, and products that go through one block after another."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.sparse.products import by_numba, index
from topolearn.sparse.products.index import LinkIndex

SHAPE = 40, 30


def links_of(shape, n_links, seed=4):
    cells = np.random.default_rng(seed).choice(shape[0] * shape[1], n_links, replace=False)
    return LinkIndex.of_cells(torch.tensor(np.sort(cells)), *shape)


def in_blocks(monkeypatch, block_bytes):
    monkeypatch.setattr(index, "LEAST_PER_BLOCK", 1)
    monkeypatch.setattr(by_numba, "BLOCK", block_bytes)
    monkeypatch.setattr(by_numba, "PLACED_BLOCK", block_bytes)


@examples(60)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)), share=st.floats(0, 1), n_blocks=st.integers(2, 15),
    at_once=st.integers(1, 40), seed=st.integers(0, 99),
)  # fmt: skip
def test_the_links_to_a_block_are_those_to_its_neurons(shape, share, n_blocks, at_once, seed):
    links = links_of(shape, round(share * shape[0] * shape[1]), seed)
    for side, others, n_others in ((links.along, "col", shape[1]), (links.across, "row", shape[0])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(index, "AT_ONCE", at_once)
            side.blocks(n_blocks)
        begins, width = side._blocks[n_blocks].array, -(-n_others // n_blocks)
        assert begins.size == side.n_neurons * n_blocks + 1
        blocks = np.split(side.arrays[others], begins[1:-1])
        neurons = np.split(np.repeat(np.arange(side.n_neurons), np.diff(side._begins)), begins[1:-1])
        for i, (block, neuron) in enumerate(zip(blocks, neurons, strict=True)):
            assert (neuron == i // n_blocks).all()
            assert (block // width == i % n_blocks).all()
        assert side.n_bytes == sum(each.nbytes for each in (*side.arrays.values(), begins))


@pytest.mark.parametrize(
    ("n_links", "row_bytes", "block_bytes", "expected"),
    [
        (1200, 128, 30 * 128, 1),  # all rows fit
        (1200, 128, 30 * 128 - 1, 2),
        (1200, 128, 15 * 128, 2),
        (1200, 128, 1, 3),  # 30 links per output: 10 in each of three blocks
        (480, 128, 1, 1),  # 12 links per output
        (0, 128, 1, 1),
    ],
)
def test_blocks_fit_into_a_cache_and_have_enough_links(n_links, row_bytes, block_bytes, expected, monkeypatch):
    monkeypatch.setattr(index, "LEAST_PER_BLOCK", 10)
    assert links_of(SHAPE, n_links).along.n_blocks(row_bytes, block_bytes) == expected


@pytest.mark.parametrize("batch", [160, 33, 1])
@pytest.mark.parametrize("need_dx", [True, False])
def test_products_in_blocks(batch, need_dx, monkeypatch):
    """Outputs and gradients of inputs are added in the same order; gradients of links are summed in other groups."""
    rng, links = np.random.default_rng(5), links_of(SHAPE, 600)
    shapes = 600, SHAPE[0], (SHAPE[1], batch), (SHAPE[0], batch)
    values, bias, x, dz = (torch.tensor(rng.normal(size=shape), dtype=torch.float32) for shape in shapes)

    def both():
        y = by_numba.outputs(links, values, bias, x, relu=True)
        return [y, *by_numba.gradients(links, values, x, dz, need_dx=need_dx, behind_relu=True)]

    *expected, dvalues = both()
    in_blocks(monkeypatch, 200)
    assert links.along.n_blocks(4 * batch, by_numba.BLOCK) > 1 or batch == 1
    *blocked, dvalues_in_blocks = both()
    for mine, theirs in zip(blocked, expected, strict=True):
        assert (mine is None and theirs is None) or torch.equal(mine, theirs)
    torch.testing.assert_close(dvalues_in_blocks, dvalues, rtol=1e-5, atol=1e-5)
