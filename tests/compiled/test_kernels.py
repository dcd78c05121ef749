"""Each kernel of a compiled step compared with its reference in plain numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.sparse.test_blocks import in_blocks
from topolearn.compiled.by_input import ByInput
from topolearn.compiled.kernels.gather import GatherWork, gather_kernel, gather_reference
from topolearn.compiled.kernels.losses import (
    LossWork,
    cross_entropy_kernel,
    cross_entropy_reference,
    squared_error_kernel,
    squared_error_reference,
)
from topolearn.compiled.kernels.optimizers import (
    OptimizerWork,
    adam_kernel,
    adam_reference,
    sgd_kernel,
    sgd_reference,
)
from topolearn.compiled.optimizer import steps_of
from topolearn.compiled.tape import Tape
from topolearn.sparse import Stage
from topolearn.sparse.kernels.backward import backward_reference
from topolearn.sparse.kernels.forward import forward_reference
from topolearn.sparse.products.by_numba import backward_calls, forward_calls
from topolearn.sparse.products.index import LinkIndex

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
RTOL = {"float32": 1e-5, "float64": 1e-13}


def address(array):
    return array.ctypes.data


@DTYPES
@pytest.mark.parametrize("source", ["uint8", "float32", "float64"])
@pytest.mark.parametrize(("batch", "n_features"), [(1, 1), (5, 3), (16, 16), (33, 50), (32, 64)])
def test_a_batch_is_gathered_and_standardised(dtype, source, batch, n_features):
    """Bit for bit, for the batch of each step."""
    rng = np.random.default_rng(0)
    data = (rng.random((20, n_features)) * 9).astype(source)
    order, moments = rng.integers(20, size=3 * batch), np.array([1.5, 0.7], dtype)
    rows = np.full((batch, n_features), np.nan, dtype)
    for step in range(3):
        tape = Tape(0.0)
        gather = GatherWork(
            data=address(data), order=address(order), step=tape.step, moments=address(moments), rows=address(rows),
            batch=batch, n_features=n_features,
        )  # fmt: skip
        tape.add_even(gather_kernel(source, dtype), gather, batch)
        tape.run(step, step + 1)
        mean, deviation = moments.tolist()
        assert np.array_equal(rows, gather_reference(data, order, step, batch, mean, deviation, dtype))


@DTYPES
@pytest.mark.parametrize(("n_outputs", "batch"), [(1, 1), (3, 5), (10, 32)])
@pytest.mark.parametrize("n_first", [0, 2])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_a_loss_and_its_gradient(dtype, n_outputs, batch, n_first, loss):
    """For a whole batch at once, and for its first examples and the rest, which have separate memory."""
    rng = np.random.default_rng(1)
    outputs, order = (4 * rng.normal(size=(n_outputs, batch))).astype(dtype), rng.permutation(batch)
    labels = rng.integers(n_outputs, size=batch)
    targets = labels if loss == "cross_entropy" else rng.normal(size=(batch, n_outputs)).astype(dtype)
    kernel = cross_entropy_kernel if loss == "cross_entropy" else squared_error_kernel
    dbias, total, n_correct, tape = np.full(n_outputs, 9, dtype), np.zeros(1), np.zeros(1, np.int64), Tape(0.0)
    tiles = [np.ascontiguousarray(tile) for tile in np.split(outputs, [min(n_first, batch)], axis=1) if tile.size]
    gradients, first = [np.full_like(tile, np.nan) for tile in tiles], 0
    for tile, gradient in zip(tiles, gradients, strict=True):
        work = LossWork(
            outputs=address(tile), dz=address(gradient), dbias=address(dbias), targets=address(targets),
            order=address(order), step=tape.step, stopped=tape.stopped, total=address(total),
            n_correct=address(n_correct), batch=batch, first=first, width=tile.shape[1], n_outputs=n_outputs,
        )  # fmt: skip
        tape.add_even(kernel(dtype), work, 1)
        first += tile.shape[1]
    tape.run(0, 1)
    dz = np.concatenate(gradients, axis=1)
    if loss == "cross_entropy":
        *expected, n_right = cross_entropy_reference(outputs, labels[order])
        assert n_correct[0] == n_right
    else:
        expected = squared_error_reference(outputs, targets[order])
    for mine, theirs in zip((total[0], dz, dbias), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=RTOL[dtype], atol=RTOL[dtype])
    assert not tape.record.stopped


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_not_finite_stop_the_tape_after_their_step(value):
    """Even minus infinity stops it at the label's output; elsewhere it is only a probability of 0."""
    outputs = np.array([[value], [1.0]])
    dz, dbias, order, labels = np.zeros_like(outputs), np.zeros(2), np.zeros(9, np.int64), np.zeros(1, np.int64)
    total, n_correct, tape = np.zeros(1), np.zeros(1, np.int64), Tape(0.0)
    work = LossWork(
        outputs=address(outputs), dz=address(dz), dbias=address(dbias), targets=address(labels), order=address(order),
        step=tape.step, stopped=tape.stopped, total=address(total), n_correct=address(n_correct), batch=1, first=0,
        width=1, n_outputs=2,
    )  # fmt: skip
    tape.add_even(cross_entropy_kernel("float64"), work, 1)
    assert tape.run(4, 9) == 5
    assert tape.record.stopped


@DTYPES
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_the_step_of_an_optimizer(dtype, name):
    rng = np.random.default_rng(2)
    weight, gradient, first = (rng.normal(size=37).astype(dtype) for _ in range(3))
    second, rates = np.abs(rng.normal(size=37)).astype(dtype), np.array([0.5, 0.1])
    arrays = weight.astype("float64"), gradient.astype("float64"), first.astype("float64")
    if name.startswith("adam"):
        settings = np.array([0.8, 0.95, 1e-4, 0.1, 6.0])
        kernel = adam_kernel(dtype, int(name == "adamw"))
        more = (second.astype("float64"), 0.1, 8, 0.8, 0.95, 1e-4, 0.1)  # 6 steps before the run, and its second one
        expected = adam_reference(*arrays, *more, decoupled=name == "adamw")
    else:
        settings, has_momentum = np.array([0.9, 0.1]), name != "sgd"
        kernel = sgd_kernel(dtype, int(has_momentum), int(name == "nesterov"))
        arrays = arrays if has_momentum else (*arrays[:2], None)
        expected = sgd_reference(*arrays, 0.1, 0.9, 0.1, nesterov=name == "nesterov")
    tape = Tape(0.0)
    work = OptimizerWork(
        weight=address(weight), gradient=address(gradient), first=address(first), second=address(second),
        rates=address(rates), settings=address(settings), step=tape.step,
    )  # fmt: skip
    tape.add_even(kernel, work, weight.size, step=16)
    tape.run(1, 2)
    for mine, theirs in zip((weight, first, second), expected, strict=False):
        if theirs is not None:
            np.testing.assert_allclose(mine, theirs, rtol=10 * RTOL[dtype], atol=RTOL[dtype])


@DTYPES
@pytest.mark.parametrize("batch", [1, 16, 77])
@pytest.mark.parametrize("block_bytes", [2**18, 1])
def test_products_by_input_are_those_by_output(dtype, batch, block_bytes, monkeypatch):
    """Values and gradients are in the order of input neurons; sums of whole numbers are exactly the same."""
    in_blocks(monkeypatch, block_bytes)
    rng = np.random.default_rng(3)
    n_out, n_in = 9, 12
    cells = np.sort(rng.choice(n_out * n_in, 40, replace=False))
    links = LinkIndex.of_cells(torch.tensor(cells), n_out, n_in)
    values = nn.Parameter(torch.tensor(rng.integers(-3, 4, 40).astype(dtype)))
    bias, x, dz = (
        torch.tensor(rng.integers(-3, 4, shape).astype(dtype)) for shape in (n_out, (n_in, batch), (n_out, batch))
    )
    optimizer = torch.optim.SGD([values], lr=0.1, momentum=0.9)
    stage = Stage(links, values, bias, True)
    turned = ByInput([stage], steps_of(optimizer, dtype))
    (copied,) = turned.stages
    y, dx, dbias, dvalues = (
        torch.empty_like(dz),
        torch.empty_like(x),
        torch.empty(n_in, dtype=x.dtype),
        copied.values * 0,
    )
    tape = Tape(0.0)
    for calls, side in (
        (forward_calls(links, copied.values, bias, x, y, True, by_input=True), links.along),
        (backward_calls(links, copied.values, x, dz, dx, dbias, dvalues, True, by_input=True), links.across),
    ):
        for kernel, work, _ in calls:
            tape.add(kernel, work, bounds=side.bounds(1))
    tape.run(0, 1)
    along, across = links.along.arrays, links.across.arrays
    value = values.detach().numpy()
    assert np.array_equal(y, forward_reference(along["crow"], along["col"], value, bias.numpy(), x.numpy(), True))
    expected = backward_reference(
        across["ccol"], across["row"], across["places"], value, x.numpy(), dz.numpy(), behind_relu=True
    )
    for mine, theirs in zip((dx, dbias, dvalues), (*expected[:2], expected[2][across["places"]]), strict=True):
        assert np.array_equal(mine, theirs)
    before = values.detach().clone()
    copied.values.mul_(2)
    turned.steps[0].moments[0].copy_(copied.values)
    turned.write_back()
    assert torch.equal(values.detach(), 2 * before)
    assert torch.equal(optimizer.state[values]["momentum_buffer"], 2 * before)
