"""Steps of a block with masked layers compared with those of a dense one, including a share of the updates."""

import statistics
from functools import partial
from typing import Any

import torch

import topolearn as tl
from analysis.benchmarks.cuda.accelerator import LISTED, NotHereError, milliseconds
from analysis.benchmarks.cuda.block_training import (
    AUTOCAST,
    COMPILED,
    DENSITY,
    EAGER,
    GRAPH,
    INTERVAL,
    PRECISIONS,
    BlockTraining,
)
from analysis.benchmarks.cuda.sizes import Sizes
from analysis.benchmarks.cuda.stage import Case, Stage

PAPER_INTERVAL = 100  # steps between two updates of the paper's LLaMA-130M
N_UPDATES = 4
RATE = 2.5e14  # bfloat16 operations per second, a third of what an H200 reaches in large products


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Return one case for each block, precision and mode; compiled ones come last, because compiling takes longest."""
    return [
        {"block": block.name, "precision": precision, "mode": mode}
        for mode in (EAGER, GRAPH, COMPILED)
        for block in sizes.blocks
        for precision in PRECISIONS
    ]


def measure(case: Case, sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Return the median ms of masked and dense steps, alternating, and their ratio with an update every 100 steps."""
    if case["precision"] == AUTOCAST and device.type not in LISTED:
        raise NotHereError(f"torch has no list of operations to autocast on {device.type}")
    block = next(each for each in sizes.blocks if each.name == case["block"])
    options = {"precision": case["precision"], "mode": case["mode"]}
    method = tl.method("chts", density=DENSITY, early_stop=False)
    masked, dense = BlockTraining(block, device, method, **options), BlockTraining(block, device, **options)
    for each in (masked, dense):
        each.steps(3)  # for one-time initialisation
    masked_ms, dense_ms = take_turns(masked, dense, sizes, device)
    update = update_cost(masked, sizes, device)
    masked.steps(2)
    with_update = masked_ms + update / PAPER_INTERVAL
    return {
        "dense ms": dense_ms,
        "masked ms": masked_ms,
        "ms of an update": update,
        "masked over dense": masked_ms / dense_ms,
        "masked over dense, update included": with_update / dense_ms,
        "off-link weights after updates": masked.off_links(),
        "tokens": block.n_tokens,
    }


def take_turns(one: BlockTraining, other: BlockTraining, sizes: Sizes, device: torch.device) -> tuple[float, float]:
    """Return the median milliseconds of a step of each, alternating."""
    times: dict[BlockTraining, list[float]] = {one: [], other: []}
    for i in range(sizes.rounds):
        for each in (one, other) if i % 2 else (other, one):
            times[each].append(milliseconds(partial(each.steps, sizes.burst), device) / sizes.burst)
    return statistics.median(times[one]), statistics.median(times[other])


def update_cost(training: BlockTraining, sizes: Sizes, device: torch.device) -> float:
    """Return the milliseconds that an update adds to the steps of an interval, including its effect on those steps."""
    eager, evolving = [], []
    training.evolve()
    for _ in range(min(N_UPDATES, sizes.rounds)):
        evolving.append(milliseconds(training.evolve, device))
        eager.append(milliseconds(partial(training.steps_without_updates, INTERVAL), device))
    return max(statistics.median(evolving) - statistics.median(eager), 0.0)


def seconds(case: Case, sizes: Sizes) -> float:
    """Estimate the seconds of a case: its steps, from operations and launches, and compilation."""
    block = next(each for each in sizes.blocks if each.name == case["block"])
    a_step = max(block.flops / RATE, 4e-3)  # about 400 launches of 10 microseconds
    n_steps = 2 * (3 + sizes.rounds * sizes.burst) + 2 * INTERVAL * (N_UPDATES + 1)
    return 2 + n_steps * a_step + N_UPDATES * 0.05 + (20 if case["mode"] == COMPILED else 0)


STEPS = Stage("steps", 150, cases, measure, seconds)
