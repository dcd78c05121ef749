"""`count`: parameters, links, FLOPs and bytes of a training, from a model that takes no memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from topolearn.counting.forward import Forward, cells_of, forward_of
from topolearn.counting.kinds import FLOPS, NUMBERS, PASSES, KindCount, kinds_of
from topolearn.counting.memory import Memory, memory_of
from topolearn.counting.optimizers import OPTIMIZERS
from topolearn.counting.stretches import Stretch, stretches
from topolearn.counting.workload import Workload
from topolearn.evolution import REGROWTHS, Method, linear_layers
from topolearn.evolution.methods import split_soft
from topolearn.evolution.plan import settle_interval
from topolearn.sparse import CSR, MASKED, shape_of

DENSE, LAST_CSR = "dense", "csr at the end"


@dataclass(frozen=True)
class TrainingCount:
    """The cost of a training; ``print`` shows it as a table.

    A multiply-add counts as 2 FLOPs, and a backward pass as two forward passes. Sparse layers count by their links,
    which is what csr computes; the masked backend computes as much as the dense network. Embeddings (which are
    look-ups), norms and activations count as 0. Updates count only where the method regrows links by gradient, for
    the gradients of all cells.

    Attributes
    ----------
    workload : Workload
    interval : int or None
        Steps between two updates; None for a dense network.
    schedule : tuple of Stretch
        How many links each sparse layer has, step by step; empty for a dense network.
    kinds : tuple of KindCount
        One row per kind of module.
    other_flops : int
        FLOPs outside linear layers, such as those of attention scores and convolutions, over the whole training.
    update_flops : int
        FLOPs of the gradients that regrowth needs of cells that are not trained.
    memory : dict of str to Memory
        Memory of the networks "dense", "masked" and "csr" at the start and, if the density falls, "csr at the end".
    """

    workload: Workload
    interval: int | None
    schedule: tuple[Stretch, ...]
    kinds: tuple[KindCount, ...]
    other_flops: int
    update_flops: int
    memory: dict[str, Memory]

    @property
    def total(self) -> KindCount:
        """The sum over all kinds of module and all other products."""
        sums = {name: sum(getattr(each, name) for each in self.kinds) for name in NUMBERS}
        sums["dense_flops"] += self.other_flops
        sums["flops"] += self.other_flops + self.update_flops
        return KindCount("total", (), **sums)

    @property
    def links(self) -> dict[str, int]:
        """Number of links of each sparse layer at the start."""
        return dict(self.schedule[0].links) if self.schedule else {}

    @property
    def last_links(self) -> dict[str, int]:
        """Number of links of each sparse layer at the end."""
        return dict(self.schedule[-1].links) if self.schedule else {}

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as plain values, for JSON."""
        workload, method = self.workload, method_of(self.workload)
        about = {name: getattr(workload, name) for name in ("steps", "accumulation", "optimizer", "step", "notes")}
        return {
            "method": method.name,
            "density": method.density,
            "initial_density": method.initial_density,
            "interval": self.interval,
            **about,
            "kinds": [asdict(each) for each in self.kinds],
            "other_flops": self.other_flops,
            "update_flops": self.update_flops,
            "total": {name: getattr(self.total, name) for name in NUMBERS},
            "bytes": {name: asdict(each) | {"total": each.total} for name, each in self.memory.items()},
            "links": self.links,
            "last_links": self.last_links,
            "history": [[each.n_steps, sum(each.links.values())] for each in self.schedule],
        }

    def __str__(self) -> str:
        from topolearn.counting.table import table

        return table(self)


def count(workload: Workload) -> TrainingCount:
    """Count what a training costs; takes seconds and next to no memory, whatever the size of the model.

    Layers, links and schedule match those of `topolearn.sparsify` and `topolearn.TopologyScheduler`.

    Parameters
    ----------
    workload : Workload

    Returns
    -------
    TrainingCount

    Raises
    ------
    InvalidValueError
        When the model cannot run on the meta device, no layer is left to make sparse, or the schedule does not fit
        into the training.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     mlp = torch.nn.Sequential(torch.nn.Linear(64, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10))
    ...     x = torch.empty(32, 64)
    >>> costs = count(Workload(model=mlp, inputs=[x], method="set", steps=100, interval=10))
    >>> costs.links, costs.total.parameters, costs.total.sparse_parameters
    ({'0': 320}, 7510, 1430)
    >>> costs.total.flops == 6 * 32 * 100 * (320 + 1000)
    True
    """
    method = method_of(workload)
    layers = {} if method.is_dense else linear_layers(workload.model, workload.exclude)
    shapes = {name: shape_of(layer) for name, layer in layers.items()}
    sizes = {name: (n_in, n_out) for name, (n_out, n_in) in shapes.items()}
    interval = settle_interval(workload.interval, method) if layers else None
    schedule = stretches(sizes, method, workload.steps, interval) if interval else []
    forward = forward_of(workload.model, workload.inputs)
    n_forwards = workload.steps * workload.accumulation
    return TrainingCount(
        workload,
        interval,
        tuple(schedule),
        tuple(kinds_of(workload.model, forward.positions, schedule, n_forwards, workload.unused)),
        PASSES * forward.other_flops * n_forwards,
        _update_flops(workload, forward, schedule),
        _memory(workload, schedule),
    )


def method_of(workload: Workload) -> Method:
    """Return the method of a workload, which resolves names when it is created."""
    assert isinstance(workload.method, Method)
    return workload.method


def _update_flops(workload: Workload, forward: Forward, schedule: list[Stretch]) -> int:
    """Return the FLOPs of the gradients that updates need of cells that are not trained."""
    method = method_of(workload)
    if method.regrowth is None or not REGROWTHS[split_soft(method.regrowth)[0]].needs_gradient:
        return 0
    total = 0
    for stretch in schedule:
        for name, trained in stretch.trained.items():
            cells = cells_of(workload.model.get_submodule(name))
            total += stretch.n_updates * forward.positions[name] * (cells - trained)
    return FLOPS * total * workload.accumulation


def _memory(workload: Workload, schedule: list[Stretch]) -> dict[str, Memory]:
    """Return the memory of the dense network and of the sparse one under each backend."""
    method, n_values, unused = method_of(workload), OPTIMIZERS[workload.optimizer], workload.unused

    def of(links: Mapping[str, int], backend: str) -> Memory:
        return memory_of(workload.model, links, n_values, method=method, backend=backend, unused=unused)

    memory = {DENSE: of({}, MASKED)}
    if not schedule:
        return memory
    memory[MASKED] = of(schedule[0].links, MASKED)
    if not method.remembers_all:
        memory[CSR] = of(schedule[0].links, CSR)
        if method.decays:
            memory[LAST_CSR] = of(schedule[-1].links, CSR)
    return memory
