"""Self-checks of an installation: small computations, each done in two ways that must agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from topolearn.compiled import CompiledSteps
from topolearn.errors import TopolearnError
from topolearn.evolution import TopologyScheduler, method, sparsify
from topolearn.generators import bipartite_small_world
from topolearn.graph import LayeredNetwork
from topolearn.linkpred import select
from topolearn.recording.integrity.listed import WHOLE
from topolearn.sampling import torch_draws_from
from topolearn.sparse import SparseLinear
from topolearn.training import TrainConfig, resume, train
from topolearn.verification import verify

WIDTHS, DENSITY, TOLERANCE = (20, 48, 48, 5), 0.2, 1e-9


class SelfCheckError(TopolearnError, RuntimeError):
    """Two ways of computing the same result disagree."""


def _networks() -> Iterator[nn.Sequential]:
    """Yield the same float64 network with masked and with csr layers."""
    for backend in ("masked", "csr"):
        with torch_draws_from(0):
            layers = [nn.Linear(n_in, n_out) for n_in, n_out in pairwise(WIDTHS)]
            model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]).to(torch.float64)
            sparsify(model, method("chts", density=DENSITY), seed=0, backend=backend)
            yield model


def _examples() -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(0)
    return torch.from_numpy(draw.normal(size=(64, WIDTHS[0]))), torch.from_numpy(draw.integers(0, WIDTHS[-1], 64))


def _gradient(layer: SparseLinear) -> torch.Tensor:
    gradient = layer.link_gradient()
    assert gradient is not None
    return gradient


def _agree(what: str, one: torch.Tensor, other: torch.Tensor) -> None:
    if one.shape != other.shape or not torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE):
        raise SelfCheckError(f"{what} differ: {(one - other).abs().max() if one.shape == other.shape else 'in size'}")


def products() -> None:
    """Check that compiled products over links equal those of masked matrices, forward and backward."""
    x, y = _examples()
    outputs, gradients = [], []
    for model in _networks():
        outputs.append(model(x))
        F.cross_entropy(outputs[-1], y).backward()
        gradients.append(torch.cat([_gradient(layer) for layer in model if isinstance(layer, SparseLinear)]))
    _agree("outputs of masked and csr layers", *outputs)
    _agree("gradients of masked and csr layers", *gradients)


def compiled_steps() -> None:
    """Check that compiled training steps equal those with autograd."""
    (x, y), weights = _examples(), []
    for compiled in (False, True):
        *_, model = _networks()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        if compiled:
            CompiledSteps(model, optimizer).run(x, y, torch.arange(64).repeat(3), 16)
        else:
            for batch in torch.arange(64).repeat(3).split(16):
                optimizer.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
        weights.append(torch.cat([each.detach().flatten() for each in model.parameters()]))
    _agree("weights after steps with autograd and in compiled code", *weights)


def link_prediction() -> None:
    """Check that all implementations of a link predictor choose the same new links."""
    graph = bipartite_small_world(60, 50, 0.1, seed=0)
    for predictor in ("ch2_l3n", "ch3_l3p"):
        for soft in (False, True):
            forms = ("dense", "stream", "community")
            chosen = [select(graph, predictor, 40, soft=soft, seed=0, form=form) for form in forms]
            if not all(np.array_equal(each, chosen[0]) for each in chosen[1:]):
                raise SelfCheckError(f"the implementations of {predictor} choose different links")


def updates() -> None:
    """Check that a topology update gives masked and csr layers the same links and keeps their number."""
    (x, y), links = _examples(), []
    for model in _networks():
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        topology = TopologyScheduler(model, optimizer, method("chts", density=DENSITY), total_steps=8, interval=2)
        before = [layer.n_links for layer in topology.layers.values()]
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            topology.step()
        if [layer.n_links for layer in topology.layers.values()] != before:
            raise SelfCheckError("an update changed the number of links")
        links.append(torch.cat([layer.cells() for layer in topology.layers.values()]))
    if not torch.equal(*links):
        raise SelfCheckError("updates of masked and csr layers choose different links")


class _Interruption(KeyboardInterrupt):
    """A simulated Ctrl-C; a real one ends the check."""


class _Interrupts:
    """A logger that interrupts training after the second epoch, as Ctrl-C does."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Interrupt when the second epoch is logged."""
        if metrics.get("epoch") == 2:
            raise _Interruption

    def log_network(self, network: LayeredNetwork, step: int) -> None:
        """Ignore the topology."""

    def finish(self) -> None:
        """Do nothing."""


def runs() -> None:
    """Check that a resumed run equals an uninterrupted one bit for bit, and that its files are intact."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "first"), Path(folder, "second")
        settings: dict[str, Any] = {"hidden": (24, 24), "measures": ("none",), "threads": 1}
        whole = train(TrainConfig(epochs=3, run_dir=str(first), **settings), quiet=True)
        with suppress(_Interruption):
            train(TrainConfig(epochs=3, run_dir=str(second), **settings), loggers=[_Interrupts()], quiet=True)
        again = resume(second, quiet=True)
        if not again.metrics["train_loss"].equals(whole.metrics["train_loss"]):
            raise SelfCheckError("a resumed run differs from one that was not interrupted")
        if set(verify(first)["state"]) != {WHOLE}:
            raise SelfCheckError("a run that was just written has damaged files")


SELF_CHECKS: dict[str, Callable[[], None]] = {
    "products over links": products,
    "steps in compiled code": compiled_steps,
    "link prediction": link_prediction,
    "topology updates": updates,
    "runs on disk": runs,
}
