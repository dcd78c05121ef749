"""Training with a captured CUDA graph: counting steps that run no hooks, and running those that must not be replayed.

Links, weights, gradients and moments change in place, so a graph that is captured once always computes with the current
links. But a replay calls no hooks: report it with ``topology.step(replayed=True)``. Where ``topology.can_replay`` is
false, run the step instead, because an update needs its gradients or its learning rate is lower::

    optimizer = torch.optim.AdamW(model.parameters(), capturable=True)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=10_000, interval=100)
    graph, x = None, torch.empty(batch_size, n_features, device="cuda")

    def step():
        optimizer.zero_grad()
        loss_of(model(x)).backward()
        optimizer.step()

    for batch in batches:
        x.copy_(batch)
        if topology.n_steps < 3 or not topology.can_replay:  # torch requires warm-up steps
            with torch.cuda.stream(side_stream):
                step()
            torch.cuda.current_stream().wait_stream(side_stream)
            topology.step()
            continue
        if graph is None:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                step()  # only captured, not run, so it is not counted
        graph.replay()
        topology.step(replayed=True)
"""

from __future__ import annotations

import torch

from topolearn.errors import InvalidValueError
from topolearn.evolution.methods import Method


def is_capturing() -> bool:
    """Return whether a CUDA graph is being captured, so that calls made now only run later."""
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()


def reason_to_run(method: Method, *, due: bool, needs_gradients: bool, factor: float) -> str | None:
    """Return why a step of the optimizer must run, or None if a CUDA graph may replay it.

    Parameters
    ----------
    method : Method
    due : bool
        Whether an update follows the step.
    needs_gradients : bool
        Whether updates need gradients.
    factor : float
        The factor by which the learning rate of the step is multiplied.

    Examples
    --------
    >>> from topolearn.evolution import METHODS
    >>> reason_to_run(METHODS["set"], due=True, needs_gradients=False, factor=1.0)
    >>> reason_to_run(METHODS["rigl"], due=True, needs_gradients=True, factor=1.0)
    "method 'rigl' needs its gradients for an update"
    """
    if method.exploration_penalty and method.decays:
        return "the exploration loss depends on the density, which falls, but a graph replays the captured value"
    if factor != 1:
        return f"rewarmup_steps={method.rewarmup_steps} lowers its learning rate"
    if due and needs_gradients:
        return f"method {method.name!r} needs its gradients for an update"
    if due and method.skip_gradient_step:
        return "skip_gradient_step=True leaves the weights unchanged at an update"
    return None


def check_replayed(n_steps: int, n_replayed: int, reason: str | None, *, took_step: bool) -> None:
    """Check that replayed steps could be replayed, and that no uncounted step ran before them.

    Raises
    ------
    InvalidValueError
    """
    if took_step:
        raise InvalidValueError(
            "topology.step(replayed=...) counts steps that call no hooks, but optimizer.step() ran since the last "
            "topology.step(): call topology.step() after each step that runs"
        )
    if reason is not None:
        raise InvalidValueError(
            f"step {n_steps + n_replayed} was replayed by a CUDA graph or a compiled call, but had to run: {reason}. "
            "Where topology.can_replay is False, run forward, backward and optimizer.step(), and then topology.step()"
        )


def check_within(n_steps: int, n_replayed: int, interval: int) -> None:
    """Check that the number of replayed steps is positive and does not pass the next possible update.

    Raises
    ------
    InvalidValueError
    """
    if n_replayed < 0:
        raise InvalidValueError(f"replayed={n_replayed} must be the number of replayed steps, at least 1")
    if n_replayed > (most := interval - n_steps % interval):
        raise InvalidValueError(
            f"replayed={n_replayed} steps after step {n_steps} pass step {n_steps + most}, at which the topology may "
            "change: replay at most topology.n_replayable steps, and count them before replaying more"
        )


def check_captured(step: int, reason: str | None) -> None:
    """Check that a step to be captured may be replayed by a CUDA graph.

    Raises
    ------
    InvalidValueError
    """
    if reason is not None:
        raise InvalidValueError(
            f"cannot capture step {step} in a CUDA graph: {reason}. Capture a step where topology.can_replay is True"
        )
