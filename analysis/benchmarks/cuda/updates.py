"""The cost of an update of each method on layers of LLaMA-130M: milliseconds, share of 100 steps, host waits."""

import statistics
from typing import Any

import torch

import topolearn as tl
from analysis.benchmarks.cuda.accelerator import NotHereError, counted_waits, milliseconds
from analysis.benchmarks.cuda.block_training import DENSITY, BlockTraining
from analysis.benchmarks.cuda.sizes import Sizes
from analysis.benchmarks.cuda.stage import Case, Stage
from analysis.benchmarks.cuda.steps import N_UPDATES, PAPER_INTERVAL, RATE, update_cost
from topolearn.evolution import METHODS

FIRST = ("chts", "rigl", "set", "chtss")  # measured first, in this order


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Return one case for each evolving method, the most common ones first."""
    names = [name for name, row in METHODS.items() if row.evolves]
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return [{"method": name} for name in names[: sizes.n_methods]]


def measure(case: Case, sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Return the median cost of an update, its share of the steps, and the host waits per layer."""
    block = sizes.blocks[0]
    training = BlockTraining(block, device, rule_of(case["method"]), n_blocks=sizes.n_blocks)
    topology = training.topology
    assert topology is not None
    training.evolve()
    step = statistics.median(milliseconds(training.step, device) for _ in range(max(sizes.rounds // 3, 1)))
    update = update_cost(training, sizes, device)
    interval = METHODS[case["method"]].interval or PAPER_INTERVAL
    return {
        "layers": len(topology.layers),
        "ms of a step": step,
        "ms of an update": update,
        "interval": interval,
        "share of steps, %": 100 * update / (update + interval * step),
        "waits a layer": waits_of(training, device),
    }


def rule_of(name: str) -> tl.Method:
    """Return a method at the density of the paper's LLaMA, with random initial links if it allows them."""
    start: dict[str, object] = {} if METHODS[name].constant_fan_in else {"generator": "er"}
    return tl.method(name, density=DENSITY, early_stop=False, interval=None, **start)


def waits_of(training: BlockTraining, device: torch.device) -> float | None:
    """Return the host waits per layer in an update and the steps before it; None if the device does not count them."""
    assert training.topology is not None
    try:
        with counted_waits(device) as waits:
            training.evolve()
    except NotHereError:
        return None
    return len(waits) / len(training.topology.layers)


def seconds(case: Case, sizes: Sizes) -> float:
    """Estimate the seconds of a case: graph generation on the CPU, steps, and updates of 100 ms."""
    block = sizes.blocks[0]
    n_steps = 60
    return 0.4 * sizes.n_blocks + n_steps * sizes.n_blocks * max(block.flops / RATE, 4e-3) + (N_UPDATES + 3) * 0.1


UPDATES = Stage("updates", 60, cases, measure, seconds)
