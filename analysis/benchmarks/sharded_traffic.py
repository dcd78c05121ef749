"""Bytes that an update of sharded layers (FSDP2) sends, for LLaMA-130M, and memory per rank, for LLaMA-1B.

Run it with ``python -m analysis.benchmarks.sharded_traffic``; it writes figures/benchmark_sharded_traffic.csv and
figures/benchmark_sharded_memory.csv. Traffic is the average number of bytes that a rank receives. It is counted for one
block of seven layers, trained by gloo ranks in float32, times the twelve blocks of the model; and it is computed from
the changes of the links of that block in one process. For 64 ranks it is only computed. The peer is the traffic of data
parallelism at every step for the same layers: an all-reduce of their dense gradients, which receives as much as FSDP's
reduce-scatter and all-gather together. Updates happen once in many steps.

Memory is computed: weights, gradients and Adam's moments of all parameters in float32, with sizes from the meta device,
and what topolearn adds for all linear layers except the output.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.evolution import Method, TopologyUpdate
from topolearn.training.models import Llama

FIGURES = Path("figures")
METHODS = ("set", "rigl", "chts", "chtss", "granet", "gmp", "topkast", "mest")
BLOCK = {"vocabulary": 64, "width": 768, "hidden": 2048, "n_layers": 1, "n_heads": 12}
SMALL = {"vocabulary": 64, "width": 24, "hidden": 40, "n_layers": 1, "n_heads": 4}
BLOCKS = 12
ONE_BILLION = {"vocabulary": 32000, "width": 2048, "hidden": 5461, "n_layers": 24, "n_heads": 32}
STEPS = 200  # length of the schedules; the first update is at the second step
DENSITY = 0.1
FLOAT, INT, LONG = 4, 4, 8  # bytes


def trained(method: str, sizes: Mapping[str, int], rank: int = 0, n_ranks: int = 1) -> tuple[Any, TopologyUpdate]:
    """Train a block until its first update; return the scheduler and the update."""
    torch.manual_seed(0)
    rule = tl.method(method, density=DENSITY)
    model = tl.sparsify(Llama(**sizes), rule, backend="masked")
    if n_ranks > 1:
        mesh = init_device_mesh("cpu", (n_ranks,))
        fully_shard(model, mesh=mesh)
        tl.distributed.shard_topology(model, mesh)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=2)
    for step in range(2):
        tokens = torch.randint(64, (2, 16), generator=torch.Generator().manual_seed(step + 100 * rank))
        optimizer.zero_grad()
        model(tokens).square().mean().backward()
        optimizer.step()
        topology.step()
    assert topology.last_update is not None
    return topology, topology.last_update


def count(rank: int, n_ranks: int, folder: str, methods: Sequence[str], sizes: Mapping[str, int]) -> None:
    """Train as one of several ranks, and save the number of bytes that the update of each method received."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=n_ranks)
    received = {method: trained(method, sizes, rank, n_ranks)[0]._links.exchange.received for method in methods}
    torch.save(received, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def counted(n_ranks: int, methods: Sequence[str], sizes: Mapping[str, int]) -> dict[str, float]:
    """Return the average number of bytes that a rank receives in an update of each method."""
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(count, args=(n_ranks, folder, methods, sizes), nprocs=n_ranks)
        of_ranks = [torch.load(f"{folder}/{rank}.pt") for rank in range(n_ranks)]
    return {method: sum(each[method] for each in of_ranks) / n_ranks for method in methods}


def computed(rule: Method, topology: Any, update: TopologyUpdate, n_ranks: int) -> float:
    """Return the minimum average number of bytes that a rank receives in an update, computed from its changes."""
    received, apart = 0.0, (n_ranks - 1) / n_ranks  # the share of evenly sharded data that other ranks hold
    by_gradient = rule.regrowth is not None and rule.regrowth.startswith("gradient")
    for name, layer in topology.layers.items():
        n_cells, n_links, events = layer.in_features * layer.out_features, layer.n_links, update[name].counts()
        received += apart * FLOAT * (n_cells if rule.remembers_all else n_links)
        received += apart * FLOAT * n_links * rule.needs_link_gradient
        if by_gradient:  # a bit mask of occupied cells, and about as many candidates as regrown links
            received += apart * (n_cells / 8 + events["regrown"] * (INT + FLOAT))
        received += (n_ranks - 1) * INT * sum(events.values())
        received += (n_ranks - 1) * n_cells / 8 * rule.reselects_links
    return received / n_ranks


def traffic(
    n_ranks: Sequence[int], counts: Sequence[int], methods: Sequence[str], sizes: Mapping[str, int]
) -> pd.DataFrame:
    """Return a table of the whole model's traffic in megabytes, computed for all numbers of ranks, counted for some."""
    of_counts = {n: counted(n, methods, sizes) for n in counts}
    rows = []
    for method in methods:
        topology, update = trained(method, sizes)
        cells = sum(layer.in_features * layer.out_features for layer in topology.layers.values())
        for n in n_ranks:
            mega = BLOCKS / 1e6
            rows.append(
                {
                    "method": method,
                    "ranks": n,
                    "MB of an update, computed": mega * computed(topology.method, topology, update, n),
                    "MB of an update, counted": mega * of_counts[n][method] if n in of_counts else float("nan"),
                    "MB of one gradient all-reduce": mega * 2 * (n - 1) / n * FLOAT * cells,
                }
            )
    return pd.DataFrame(rows)


def memory(n_ranks: Sequence[int], sizes: Mapping[str, int], density: float = DENSITY) -> pd.DataFrame:
    """Return a table of the memory per rank, in megabytes."""
    with torch.device("meta"):
        model = Llama(**sizes)
    layers = [each for name, each in model.named_modules() if isinstance(each, torch.nn.Linear) and name != "lm_head"]
    cells = sum(each.in_features * each.out_features for each in layers)
    others = sum(each.numel() for each in model.parameters()) - cells
    links, largest = density * cells, max(each.in_features * each.out_features for each in layers)
    rows = []
    for n in n_ranks:
        dense = 4 * FLOAT * (cells + others) / n
        rows.append(
            {
                "ranks": n,
                "MB of FSDP2, dense": dense / 1e6,
                "MB of masks": cells / n / 1e6,
                "MB of the ages of links": 2 * LONG * links / n / 1e6,
                "MB on the host: links and explored cells": 2 * cells / 8 / 1e6,
                "MB at an update, by gradient": (2 * FLOAT * cells / n + (FLOAT + LONG) * links / n) / 1e6,
                "MB at an update, else": (FLOAT + LONG) * links / n / 1e6,
                "MB of the mask of the largest layer, for a moment": largest / 1e6,
            }
        )
    return pd.DataFrame(rows)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 8, 64])
    parser.add_argument("--counted", type=int, nargs="*", default=[2, 8])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    return parser


def main(args: argparse.Namespace) -> None:
    """Count and compute, and write the tables."""
    tables = {
        "traffic": traffic(args.ranks, args.counted, args.methods, BLOCK),
        "memory": memory(args.ranks, ONE_BILLION),
    }
    for name, table in tables.items():
        write_table(FIGURES / f"benchmark_sharded_{name}.csv", table.round(2))
        print(table.round(2).to_string(index=False))


if __name__ == "__main__":
    program().run(main)
