"""Each compiled kernel against its reference in plain numpy, on small integers, whose sums are all exact."""

import numpy as np
import pytest
import torch

from topolearn.sparse.kernels.backward import backward_reference
from topolearn.sparse.kernels.before_activation import mask_reference
from topolearn.sparse.kernels.forward import forward_reference
from topolearn.sparse.kernels.transpose import transpose_reference
from topolearn.sparse.kernels.vectors import MASKED, VECTOR_BYTES
from topolearn.sparse.products import by_numba, huge_pages
from topolearn.sparse.products.index import LinkIndex

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
RELU = pytest.mark.parametrize("relu", [False, True], ids=["linear", "relu"])
# The vectors per tile, and the activations of the last, masked tile: each kind of tile alone, and all in a row.
BATCHES = pytest.mark.parametrize(
    ("vectors", "rest"),
    [((), 0), ((8,), 0), ((4,), 0), ((2,), 0), ((1,), 0), ((), 1), ((), 7), ((8, 8, 4, 2, 1), 3)],
    ids=["none", "eight", "four", "two", "one", "one activation", "seven activations", "all"],
)
# Inputs, outputs and links of each input: groups of four links with and without remainders, and neurons without links.
LAYERS = pytest.mark.parametrize(
    ("n_in", "n_out", "fan_out"),
    [(1, 1, [1]), (1, 9, [9]), (6, 11, [0, 1, 3, 4, 7, 11]), (5, 4, [2, 2, 2, 2, 2]), (3, 2, [0, 0, 0])],
    ids=["one link", "one input", "any fan-out", "constant fan-out", "no links"],
)


class Layer:
    """The arrays of a layer and its activations: whole numbers, including zero."""

    def __init__(self, n_in, n_out, fan_out, dtype, vectors, rest):
        rng, size = np.random.default_rng(0), np.dtype(dtype).itemsize
        self.batch = sum(vectors) * VECTOR_BYTES // size + rest
        tiles = [*vectors, MASKED] if rest else [*vectors]
        assert [n_vectors for _, n_vectors, _ in by_numba._tiles(self.batch, size)] == tiles
        cells = [u * n_in + v for v in range(n_in) for u in rng.permutation(n_out)[: fan_out[v]]]
        self.links = LinkIndex.of_cells(torch.tensor(sorted(cells), dtype=torch.int64), n_out, n_in)
        self.along, self.across = self.links.along.arrays, self.links.across.arrays

        def numbers(*shape):
            return rng.integers(-3, 4, shape).astype(dtype)

        self.values, self.bias = numbers(len(cells)), numbers(n_out)
        self.x, self.y, self.dy = numbers(n_in, self.batch), numbers(n_out, self.batch), numbers(n_out, self.batch)


def equal(tensors, arrays):
    return all(np.array_equal(tensor.numpy(), array) for tensor, array in zip(tensors, arrays, strict=True))


@DTYPES
@LAYERS
@BATCHES
@RELU
@pytest.mark.parametrize("has_bias", [False, True], ids=["no bias", "bias"])
def test_the_forward_kernel_matches_its_reference(n_in, n_out, fan_out, dtype, vectors, rest, relu, has_bias):
    layer = Layer(n_in, n_out, fan_out, dtype, vectors, rest)
    bias = layer.bias if has_bias else None
    values, x = torch.tensor(layer.values), torch.tensor(layer.x)
    y = by_numba.outputs(layer.links, values, None if bias is None else torch.tensor(bias), x, relu)
    assert equal([y], [forward_reference(**layer.along, values=layer.values, bias=bias, x=layer.x, relu=relu)])


@DTYPES
@LAYERS
@BATCHES
@RELU
@pytest.mark.parametrize("need_dx", [False, True], ids=["no dx", "dx"])
def test_the_backward_kernel_matches_its_reference(n_in, n_out, fan_out, dtype, vectors, rest, relu, need_dx):
    layer = Layer(n_in, n_out, fan_out, dtype, vectors, rest)
    values, x, dz = (torch.tensor(each) for each in (layer.values, layer.x, layer.dy))
    dx, dbias, dvalues = by_numba.gradients(layer.links, values, x, dz, need_dx=need_dx, behind_relu=relu)
    expected = backward_reference(**layer.across, values=layer.values, x=layer.x, dz=layer.dy, behind_relu=relu)
    assert equal([dvalues], expected[2:])
    assert (dx is None, dbias is None) == (not need_dx, not need_dx)
    if need_dx:
        assert equal([dx, dbias], expected[:2])


@DTYPES
@BATCHES
@RELU
def test_the_mask_kernel_matches_its_reference(dtype, vectors, rest, relu):
    layer = Layer(1, 9, [9], dtype, vectors, rest)
    gradients = by_numba.before_activation(torch.tensor(layer.y), torch.tensor(layer.dy), relu)
    assert equal(gradients, mask_reference(layer.y, layer.dy, relu))


@DTYPES
@pytest.mark.parametrize("n_rows", [0, 1, 8, 15, 16, 33])
@pytest.mark.parametrize("n_columns", [0, 1, 8, 15, 16, 33])
def test_the_transpose_kernel_matches_its_reference(dtype, n_rows, n_columns):
    shape = n_rows, n_columns
    x = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    y = by_numba.transposed(torch.tensor(x))
    assert y.is_contiguous()
    assert equal([y], [transpose_reference(x)])


@RELU
def test_references_and_kernels_agree_on_values_that_are_not_finite(relu):
    layer = Layer(6, 11, [0, 1, 3, 4, 7, 11], np.float32, (1,), 3)
    layer.x[3, 2], layer.dy[:, 5], layer.y[:, 5] = np.inf, np.nan, np.nan
    values, x, y, dy = (torch.tensor(each) for each in (layer.values, layer.x, layer.y, layer.dy))
    outputs = by_numba.outputs(layer.links, values, None, x, relu)
    gradients = by_numba.gradients(layer.links, values, x, dy, need_dx=True, behind_relu=relu)
    with np.errstate(invalid="ignore"):
        expected = (
            forward_reference(**layer.along, values=layer.values, bias=None, x=layer.x, relu=relu),
            *backward_reference(**layer.across, values=layer.values, x=layer.x, dz=layer.dy, behind_relu=relu),
            *mask_reference(layer.y, layer.dy, relu),
        )
    for tensor, array in zip((outputs, *gradients, *by_numba.before_activation(y, dy, relu)), expected, strict=True):
        np.testing.assert_array_equal(tensor.numpy(), array)
        assert not np.isfinite(array).all()


@pytest.mark.parametrize("batch", [96, 33, 1])
@pytest.mark.parametrize("need_dx", [True, False])
def test_tiles_that_are_copied_first_give_the_same_bits(batch, need_dx, monkeypatch):
    """Rows that are too far apart for the caches are read tile by tile."""
    rng = np.random.default_rng(4)
    cells = np.sort(rng.choice(40 * 30, 600, replace=False))
    links = LinkIndex.of_cells(torch.tensor(cells), 40, 30)
    shapes = 600, 40, (30, batch), (40, batch)
    values, bias, x, dz = (torch.tensor(rng.normal(size=shape), dtype=torch.float32) for shape in shapes)

    def both():
        y = by_numba.outputs(links, values, bias, x, relu=True)
        return [y, *by_numba.gradients(links, values, x, dz, need_dx=need_dx, behind_relu=True)]

    monkeypatch.setattr(by_numba, "WIDEST", 128)
    monkeypatch.setattr(by_numba, "TILES", (2, 1))
    by_numba._tiles.cache_clear()
    try:
        expected = both()
        monkeypatch.setattr(by_numba, "BLOCK", 1)
        monkeypatch.setattr(by_numba, "LEAST_READS", 1)
        assert by_numba._is_scattered(links.along, x) == by_numba._is_scattered(links.across, dz) == (batch > 32)
        copied = both()
    finally:
        by_numba._tiles.cache_clear()
    for mine, theirs in zip(copied, expected, strict=True):
        assert (mine is None and theirs is None) or torch.equal(mine, theirs)


@DTYPES
@pytest.mark.parametrize("batch", [96, 33, 1])
@pytest.mark.parametrize("need_dx", [True, False])
def test_prefetching_gives_the_same_bits(dtype, batch, need_dx, monkeypatch):
    """Wide layers, whose rows do not fit into a cache, prefetch them; the last links have none left to prefetch."""
    rng = np.random.default_rng(4)
    cells = np.sort(rng.choice(40 * 30, 600, replace=False))
    links = LinkIndex.of_cells(torch.tensor(cells), 40, 30)
    shapes = 600, 40, (30, batch), (40, batch)
    values, bias, x, dz = (torch.from_numpy(rng.normal(size=shape).astype(dtype)) for shape in shapes)

    def both():
        y = by_numba.outputs(links, values, bias, x, relu=True)
        return [y, *by_numba.gradients(links, values, x, dz, need_dx=need_dx, behind_relu=True)]

    expected = both()
    monkeypatch.setattr(by_numba, "CACHED", 0)
    assert by_numba._ahead(x) > 0
    for each, again in zip(expected, both(), strict=True):
        assert (each is None and again is None) or torch.equal(each, again)


def test_large_tensors_on_huge_pages_hold_what_is_written(monkeypatch):
    monkeypatch.setattr(huge_pages, "LEAST", 2**22)
    for n in (2**20, 2**21 + 3, 7):
        tensor = huge_pages.on_huge_pages(torch.empty(n))
        assert torch.equal(tensor.copy_(torch.arange(n)), torch.arange(n, dtype=torch.float32))
