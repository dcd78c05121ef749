"""`CompiledSteps`: training steps that run in compiled code, from the batch to the optimizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.autograd.graph import increment_version
from torch.optim import Optimizer

from topolearn.checks import check_size
from topolearn.compiled.by_input import ByInput
from topolearn.compiled.examples import Examples, check_examples, rates_of
from topolearn.compiled.network import stages_of, why_not_model
from topolearn.compiled.optimizer import count_steps, steps_of, why_not_optimizer
from topolearn.compiled.step_tape import LOSSES, Totals, step_tape
from topolearn.compiled.tape import Tape
from topolearn.errors import InvalidValueError, UnknownNameError
from topolearn.registry import suggest
from topolearn.sparse import Stage
from topolearn.sparse.products.by_numba import name_of
from topolearn.sparse.weights.optimizer_steps import after_steps, before_steps

SLICE = 0.1  # seconds between returns to Python, where Ctrl-C can interrupt the training


@dataclass(frozen=True)
class StepsTaken:
    """The result of a run of compiled steps.

    Attributes
    ----------
    n_steps : int
        How many steps were taken; fewer than requested if the loss of the last one is not finite.
    loss : float
        The loss, summed over all examples.
    n_correct : int
        How many examples had their largest output at the label; 0 without labels.
    """

    n_steps: int
    loss: float
    n_correct: int

    @property
    def is_finite(self) -> bool:
        """Whether the loss of every step is finite."""
        return bool(np.isfinite(self.loss))


def why_not_compiled(model: nn.Module, optimizer: Optimizer) -> str | None:
    """Return why the steps of a model with an optimizer cannot be compiled, or None if they can.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    >>> why_not_compiled(model, torch.optim.SGD(model.parameters(), lr=0.1))
    'it has no layer with the csr backend'
    """
    return why_not_model(model) or why_not_optimizer(optimizer)


class CompiledSteps:
    r"""Trains a chain of sparse layers in compiled code: many steps per call, without autograd or Python in between.

    Each step does what a usual training loop does: gather the batch, forward, loss, backward, optimizer. The model is a
    `torch.nn.Sequential` of csr layers with ReLU between them, optionally with a dense last layer; the optimizer is
    `torch.optim.SGD`, ``Adam`` or ``AdamW``; the loss is cross-entropy or the squared error. Weights, moments and step
    counts of the model and the optimizer change in place, so steps with autograd can follow. They agree with
    autograd's up to rounding and do not depend on the number of threads. Gradients are left as None.

    With a `topolearn.TopologyScheduler`, run at most ``topology.n_replayable`` batches at a time and report them with
    ``topology.step(replayed=n)``; where ``n_replayable`` is 0, take the next step with autograd, since updates by
    gradient need it. `topolearn.train` does this automatically.

    Parameters
    ----------
    model : torch.nn.Sequential
    optimizer : torch.optim.Optimizer
    loss : str
        "cross_entropy", for labels, or "squared_error", the mean over all outputs.
    mean, deviation : float
        Features are standardised: ``(x - mean) / deviation``.

    Raises
    ------
    InvalidValueError
        When the steps of the model or of the optimizer cannot be compiled; the message gives the reason.
    UnknownNameError
        When the loss is unknown.

    Examples
    --------
    >>> import topolearn as tl
    >>> model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    >>> model = tl.sparsify(model, tl.method("set", density=0.3), backend="csr")
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> steps = CompiledSteps(model, optimizer)
    >>> x, y = torch.randn(64, 8), torch.arange(64) % 3
    >>> order = torch.arange(64).repeat(20)
    >>> steps.run(x, y, order, batch_size=16).n_steps
    80
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        loss: str = "cross_entropy",
        *,
        mean: float = 0.0,
        deviation: float = 1.0,
    ) -> None:
        if loss not in LOSSES:
            raise UnknownNameError(f"loss={loss!r}: {suggest(loss, list(LOSSES))}")
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.mean, self.deviation = mean, deviation
        self._check()

    @property
    def why_not(self) -> str | None:
        """Why the next steps cannot be compiled, or None if they can; hooks may have been added since the start."""
        return why_not_compiled(self.model, self.optimizer)

    def _check(self) -> None:
        if (reason := self.why_not) is not None:
            raise InvalidValueError(f"these steps cannot be compiled: {reason}. Train with autograd instead")

    def run(
        self,
        x: Tensor,
        y: Tensor,
        order: Tensor,
        batch_size: int,
        *,
        rates: ArrayLike | None = None,
        on_steps: Callable[[int], object] | None = None,
    ) -> StepsTaken:
        """Take one step per batch of examples; the last batch may be smaller.

        Parameters
        ----------
        x : Tensor, shape (n_examples, n_features)
            In uint8 or in the model's dtype.
        y : Tensor
            Labels, int64, shape (n_examples,); or targets in the model's dtype, shape (n_examples, n_outputs).
        order : Tensor of int64
            Indices of examples, batch by batch.
        batch_size : int
        rates : array, shape (n_steps,) or (n_groups, n_steps), optional
            The learning rate of each step; by default, the optimizer's current ones.
        on_steps : callable, optional
            Called about ten times per second with the number of steps taken since the last call.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When the data do not fit the model; nothing is changed in that case.
        """
        self._check()
        examples = Examples(x.contiguous(), y.contiguous(), order.contiguous(), self.mean, self.deviation)
        stages = stages_of(self.model)
        check_examples(stages, examples, self.loss)
        n_steps = -(-len(order) // check_size("batch_size", batch_size))
        table = rates_of(self.optimizer, rates, n_steps)
        with torch.no_grad():
            return self._run(stages, examples, batch_size, table, on_steps or _ignore)

    def _run(
        self, stages: list[Stage], examples: Examples, batch_size: int, rates: np.ndarray,
        on_steps: Callable[[int], object],
    ) -> StepsTaken:  # fmt: skip
        before_steps(self.optimizer)
        self.optimizer.zero_grad()
        dtype, order, n_taken = name_of(stages[0].values), examples.order, 0
        totals = Totals(np.zeros(1), np.zeros(1, dtype=np.int64))
        changed = [tensor for step in steps_of(self.optimizer, dtype) for tensor in (step.parameter, *step.moments)]

        def counted(n_steps: int) -> None:
            count_steps(self.optimizer, n_steps)
            on_steps(n_steps)

        n_whole = len(order) // batch_size
        try:
            for first, last in ((0, n_whole), (n_whole, rates.shape[1])):
                rest = order[first * batch_size : last * batch_size]
                if len(rest) and n_taken == first:
                    batch, span = min(batch_size, len(rest)), np.ascontiguousarray(rates[:, first:last])
                    with within_memory(batch):
                        turned = ByInput(stages, steps_of(self.optimizer, dtype))
                        tape = step_tape(turned.stages, self.loss, examples, rest, batch, turned.steps, span, totals)
                    try:
                        n_taken += _in_slices(tape, last - first, counted)
                    finally:
                        turned.write_back()
        finally:
            for tensor in changed:
                increment_version(tensor)
            after_steps(self.optimizer)
        return StepsTaken(n_taken, float(totals.loss[0]), int(totals.n_correct[0]))


def _in_slices(tape: Tape, n_steps: int, on_steps: Callable[[int], object]) -> int:
    """Take steps in slices, returning to Python in between; return how many were taken."""
    done, n = 0, 1
    while done < n_steps:
        began = time.perf_counter()
        after = tape.run(done, min(done + n, n_steps))
        seconds = max(time.perf_counter() - began, 1e-6)
        on_steps(after - done)
        n, done = max(1, int((after - done) * SLICE / seconds)), after
        if tape.record.stopped:
            break
    return done


@contextmanager
def within_memory(batch: int) -> Iterator[None]:
    """Turn running out of memory into an error that names the batch size.

    Raises
    ------
    InvalidValueError
        When memory runs out within the block.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise InvalidValueError(
            f"a step on {batch} examples does not fit into memory: choose a smaller batch, or smaller layers"
        ) from None


def _ignore(n_steps: int) -> None:
    """Do nothing."""
