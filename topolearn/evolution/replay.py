"""Training by a captured CUDA graph: how the topology counts steps at which no hook runs, and which it must not miss.

Links, weights, gradients and moments change in place, so a graph that is captured once computes with the links that
there are. But a replay calls no hook: say by ``topology.step(replayed=True)`` that a step was replayed, and run those
where ``topology.can_replay`` is false, as an update needs their gradients, or their learning rate is lower::

    optimizer = torch.optim.AdamW(model.parameters(), capturable=True)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=10_000, interval=100)
    graph, x = None, torch.empty(batch_size, n_features, device="cuda")

    def step():
        optimizer.zero_grad()
        loss_of(model(x)).backward()
        optimizer.step()

    for batch in batches:
        x.copy_(batch)
        if topology.n_steps < 3 or not topology.can_replay:  # the first steps warm up, as torch demands it
            with torch.cuda.stream(side_stream):
                step()
            torch.cuda.current_stream().wait_stream(side_stream)
            topology.step()
            continue
        if graph is None:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                step()  # which runs nothing, and is not counted
        graph.replay()
        topology.step(replayed=True)
"""

from __future__ import annotations

import torch

from topolearn.errors import InvalidValueError
from topolearn.evolution.methods import Method


def is_capturing() -> bool:
    """Return whether a CUDA graph is being captured, so that what is called now runs later."""
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
        By what the learning rate of the step is multiplied.

    Examples
    --------
    >>> from topolearn.evolution import METHODS
    >>> reason_to_run(METHODS["set"], due=True, needs_gradients=False, factor=1.0)
    >>> reason_to_run(METHODS["rigl"], due=True, needs_gradients=True, factor=1.0)
    "method 'rigl' needs its gradients for an update"
    """
    if method.exploration_penalty and method.decays:
        return "the exploration loss is weighed by the density, which falls, and a graph keeps numbers as they were"
    if factor != 1:
        return f"its learning rate is lower than others, by rewarmup_steps={method.rewarmup_steps}"
    if due and needs_gradients:
        return f"method {method.name!r} needs its gradients for an update"
    if due and method.skip_gradient_step:
        return "skip_gradient_step=True leaves the weights as they are at an update"
    return None


def check_replayed(n_steps: int, n_replayed: int, reason: str | None, *, took_step: bool) -> None:
    """Refuse to count replayed steps of which one had to run, or since whose predecessor another one has run.

    Raises
    ------
    InvalidValueError
    """
    if took_step:
        raise InvalidValueError(
            "topology.step(replayed=...) counts steps of which no hook tells, but optimizer.step() ran since the last "
            "topology.step(): count each step that runs by topology.step()"
        )
    if reason is not None:
        raise InvalidValueError(
            f"step {n_steps + n_replayed} was replayed by a CUDA graph or a compiled call, and had to run: {reason}. "
            "Where topology.can_replay is False, run forward, backward and optimizer.step(), and then topology.step()"
        )


def check_within(n_steps: int, n_replayed: int, interval: int) -> None:
    """Refuse to count replayed steps that go beyond the next one at which the topology may change, or fewer than none.

    Raises
    ------
    InvalidValueError
    """
    if n_replayed < 0:
        raise InvalidValueError(f"replayed={n_replayed} must be the number of steps that were replayed")
    if n_replayed > (most := interval - n_steps % interval):
        raise InvalidValueError(
            f"replayed={n_replayed} steps after step {n_steps} go beyond step {n_steps + most}, at which the topology "
            "may change: replay at most topology.n_replayable, and count them, before the next ones"
        )


def check_captured(step: int, reason: str | None) -> None:
    """Refuse to capture a step that no CUDA graph may replay.

    Raises
    ------
    InvalidValueError
    """
    if reason is not None:
        raise InvalidValueError(
            f"step {step} is captured in a CUDA graph, and must run: {reason}. Capture one where topology.can_replay "
            "is True"
        )
