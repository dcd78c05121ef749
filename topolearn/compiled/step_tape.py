"""The tape of a training step: gather, forward, loss, backward, optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from topolearn.compiled.examples import Examples
from topolearn.compiled.kernels.gather import GatherWork, gather_kernel
from topolearn.compiled.kernels.losses import LossWork, cross_entropy_kernel, squared_error_kernel
from topolearn.compiled.kernels.optimizers import OptimizerWork
from topolearn.compiled.optimizer import ParameterStep
from topolearn.compiled.tape import Tape
from topolearn.sparse import Stage
from topolearn.sparse.kernels.transpose import TransposeWork, transpose_kernel
from topolearn.sparse.kernels.vectors import VECTOR_BYTES
from topolearn.sparse.products.by_numba import (
    BACKWARD,
    FORWARD,
    Call,
    backward_calls,
    forward_calls,
    name_of,
    wide_tiles,
)
from topolearn.sparse.products.huge_pages import on_huge_pages
from topolearn.threads import Kernel

LOSSES: dict[str, Callable[[str], Kernel]] = {
    "cross_entropy": cross_entropy_kernel, "squared_error": squared_error_kernel,
}  # fmt: skip
SOURCES = {torch.uint8: "uint8", torch.float32: "float32", torch.float64: "float64"}
LINKS_PER_CHUNK = 2**13  # whose values, gradients and moments fit into a second-level cache


class Totals(NamedTuple):
    """What kernels add to: the loss, float64, and the number of correct examples, int64; one element each."""

    loss: np.ndarray
    n_correct: np.ndarray


def step_tape(
    stages: Sequence[Stage], loss: str, examples: Examples, order: Tensor, batch: int, steps: Sequence[ParameterStep],
    rates: np.ndarray, totals: Totals,
) -> Tape:  # fmt: skip
    """Return the tape of the steps on an order of examples, ``batch`` at a time.

    Parameters
    ----------
    stages : sequence of Stage
        Their values are in the order of input neurons.
    loss : str
    examples : Examples
    order : Tensor of int64
        Indices of examples, ``batch`` per step.
    batch : int
    steps : sequence of ParameterStep
    rates : array of float64, shape (n_groups, n_steps)
        Must be contiguous.
    totals : Totals
    """
    builder = _Builder(stages, batch)
    builder.gather(examples, order)
    builder.forward()
    builder.loss(loss, examples, order, totals)
    by_parameter = {id(step.parameter): step for step in steps}  # others have no gradient here
    builder.backward(by_parameter, rates)
    builder.optimize(by_parameter, rates)
    builder.tape.keep(examples, order, rates, totals)
    return builder.tape


class _Builder:
    """Appends the kernels of a step to a tape, and allocates the memory between them.

    Each tile of the batch has its own memory: the rows of a tile are read faster when they are adjacent.
    """

    def __init__(self, stages: Sequence[Stage], batch: int) -> None:
        n_links = sum(stage.links.n_links for stage in stages)
        self.stages, self.batch = stages, batch
        self.tape = Tape(n_links * batch * (FORWARD + BACKWARD))
        self.like = stages[0].values
        self.dtype = name_of(self.like)
        widths = [stages[0].links.n_in, *(stage.links.n_out for stage in stages)]
        self.tiles = wide_tiles(batch, self.like.element_size())
        sizes = [tile.stop - tile.start for tile in self.tiles]
        self.activations = [[self._empty(width, size) for size in sizes] for width in widths]
        self.dz = [[self._empty(width, size) for size in sizes] for width in widths[1:]]
        self.dvalues = self._empty(max(stage.links.n_links for stage in stages))  # of one layer at a time
        self.dbias = [self._empty(width) for width in widths[1:]]
        self.tape.keep(self.activations, self.dz, self.dvalues, self.dbias, stages)

    def gather(self, examples: Examples, order: Tensor) -> None:
        """Append the kernels that compute the inputs of the first layer."""
        x, tape, n_features = examples.x, self.tape, examples.x.shape[1]
        rows = self._empty(self.batch, n_features)
        moments = torch.tensor([examples.mean, examples.deviation], dtype=self.like.dtype)
        tape.keep(rows, moments)
        gather = GatherWork(
            data=x.data_ptr(), order=order.data_ptr(), step=tape.step, moments=moments.data_ptr(), rows=rows.data_ptr(),
            batch=self.batch, n_features=n_features,
        )  # fmt: skip
        tape.add_even(gather_kernel(SOURCES[x.dtype], self.dtype), gather, self.batch)
        side = VECTOR_BYTES // self.like.element_size()
        for tile, inputs in zip(self.tiles, self.activations[0], strict=True):
            turn = TransposeWork(
                x=rows[tile].data_ptr(), y=inputs.data_ptr(), n_rows=inputs.shape[1], n_columns=n_features
            )
            tape.add_even(transpose_kernel(self.dtype), turn, n_features, step=side)

    def forward(self) -> None:
        """Append the outputs of all layers."""
        for stage, inputs, outputs in zip(self.stages, self.activations, self.activations[1:], strict=False):
            bounds = stage.links.along.bounds(self.tape.n_chunks)
            for x, y in zip(inputs, outputs, strict=True):
                calls = forward_calls(stage.links, stage.values, stage.bias, x, y, stage.relu, by_input=True)
                for kernel, work, _ in calls:
                    self.tape.add(kernel, work, bounds=bounds)

    def loss(self, name: str, examples: Examples, order: Tensor, totals: Totals) -> None:
        """Append the loss and its gradient with respect to the last outputs."""
        for tile, outputs, dz in zip(self.tiles, self.activations[-1], self.dz[-1], strict=True):
            n_outputs, width = outputs.shape
            work = LossWork(
                outputs=outputs.data_ptr(), dz=dz.data_ptr(), dbias=self.dbias[-1].data_ptr(),
                targets=examples.y.data_ptr(), order=order.data_ptr(), step=self.tape.step, stopped=self.tape.stopped,
                total=totals.loss.ctypes.data, n_correct=totals.n_correct.ctypes.data, batch=self.batch,
                first=tile.start, width=width, n_outputs=n_outputs,
            )  # fmt: skip
            self.tape.add_even(LOSSES[name](self.dtype), work, 1)

    def backward(self, steps: Mapping[int, ParameterStep], rates: np.ndarray) -> None:
        """Append the gradients of all layers, starting with the last, and the optimizer's steps on their links."""
        for i in reversed(range(len(self.stages))):
            stage = self.stages[i]
            dbias, behind_relu = (self.dbias[i - 1], self.stages[i - 1].relu) if i else (None, False)
            calls: list[Call] = []
            for j, (x, dz) in enumerate(zip(self.activations[i], self.dz[i], strict=True)):
                dx = self.dz[i - 1][j] if i else None
                calls += backward_calls(
                    stage.links, stage.values, x, dz, dx, dbias, self.dvalues, behind_relu,
                    by_input=True, accumulate=j > 0,
                )  # fmt: skip
            step = steps.get(id(stage.values))
            for kernel, work, _ in calls if step is None else calls[:-1]:
                self.tape.add(kernel, work, bounds=stage.links.across.bounds(self.tape.n_chunks))
            if step is not None:
                self._backward_and_step(stage, calls[-1], step, rates)

    def _backward_and_step(self, stage: Stage, call: Call, step: ParameterStep, rates: np.ndarray) -> None:
        """Append the last gradients of links, and the optimizer's step on each chunk of links, while it is cached."""
        backward, work, _ = call
        across, optimize = stage.links.across, self._optimizer_work(step, self.dvalues, rates)
        n_chunks = max(self.tape.n_chunks, -(-across.n_links // LINKS_PER_CHUNK))
        bounds, link_bounds, works = across.bounds(n_chunks), across.link_bounds(n_chunks), []
        self.tape.keep(link_bounds)
        for chunk in range(n_chunks):
            mine, its = type(work).from_buffer_copy(work), OptimizerWork.from_buffer_copy(optimize)
            mine.n_chunks, mine.bounds = 1, bounds + 8 * chunk
            its.n_chunks, its.bounds = 1, link_bounds.ctypes.data + 8 * chunk
            works.append((mine, its))
        self.tape.add_chunkwise([backward, step.kernel], works)

    def optimize(self, steps: Mapping[int, ParameterStep], rates: np.ndarray) -> None:
        """Append the optimizer's steps on the biases."""
        for stage, gradient in zip(self.stages, self.dbias, strict=True):
            if (step := steps.get(id(stage.bias))) is not None:
                work = self._optimizer_work(step, gradient, rates)
                self.tape.add_even(step.kernel, work, gradient.numel(), step=16)

    def _optimizer_work(self, step: ParameterStep, gradient: Tensor, rates: np.ndarray) -> OptimizerWork:
        settings = np.array(step.settings)
        self.tape.keep(settings, step)
        moments = (*(moment.data_ptr() for moment in step.moments), 0, 0)
        return OptimizerWork(
            weight=step.parameter.data_ptr(), gradient=gradient.data_ptr(), first=moments[0], second=moments[1],
            rates=rates[step.group].ctypes.data, settings=settings.ctypes.data, step=self.tape.step,
        )  # fmt: skip

    def _empty(self, *shape: int) -> Tensor:
        return on_huge_pages(self.like.new_empty(shape))
