"""LLaMA at the paper's sizes: its costs, counted without allocation, and a real training step, dense and sparse.

Run it with ``python -m analysis.benchmarks.language_sizes``; it writes figures/benchmark_language_sizes.csv. The
networks run one after the other, each in its own process, whose peak memory is reported along with its memory before
the network was created. A step has 2,048 tokens in windows of 256, in float32, with Adam; the median of a few steps is
reported, and the time of one topology update.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.counting import count_config
from topolearn.task_registry import preset
from topolearn.tasks.language import LanguageConfig

FILE = Path("figures/benchmark_language_sizes.csv")
COUNTED = ("language-60m", "language-130m", "language-350m", "language-1b")
NETWORKS = (("dense", "masked", 1.0), ("chts", "masked", 0.3), ("chts", "csr", 0.3))
GIB, TOKENS = 2**30, 2048


def counted(name: str) -> dict[str, Any]:
    """Return the training costs of a preset, and the seconds for counting them."""
    start = time.perf_counter()
    costs = count_config(LanguageConfig.load(preset(Path(name)))).to_dict()
    total, memory = costs["total"], costs["bytes"]
    return {
        "network": name,
        "seconds": round(time.perf_counter() - start, 2),  # including imports in the first call
        "parameters": total["parameters"],
        "links at last": total["last_links"],
        "FLOPs dense": f"{total['dense_flops']:.3g}",
        "FLOPs": f"{total['flops']:.3g}",
        "GiB dense": round(memory["dense"]["total"] / GIB, 2),
        "GiB csr at the end": round(memory["csr at the end"]["total"] / GIB, 2),
    }


def measured(name: str, method: str, backend: str, density: float, steps: int) -> dict[str, Any]:
    """Train a few steps in this process; return the times and the peak memory."""
    from topolearn.tasks.language.loss import token_loss
    from topolearn.tasks.language.model import dense_model, draw_weights

    torch.set_num_threads(1)
    before = _peak()
    config = LanguageConfig.load(preset(Path(name)))
    rule = tl.method(method) if method == "dense" else tl.method(method, density=density, zeta=0.1)
    model = dense_model(config, config.vocabulary_size)
    draw_weights(model, torch.Generator().manual_seed(0))
    if not rule.is_dense:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="sparsify leaves dense")  # the embeddings
            tl.sparsify(model, rule, backend=backend, init="keep", seed=0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=10**6, interval=steps)
    shape = TOKENS // config.window, config.window
    tokens = torch.randint(config.vocabulary_size, shape, generator=torch.Generator().manual_seed(0))
    times, update = [], 0.0
    for _ in range(steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        token_loss(model(input_ids=tokens).logits[:, :-1], tokens[:, 1:]).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
        start = time.perf_counter()
        if topology.step() is not None:
            update = time.perf_counter() - start
    return {
        "seconds a step": statistics.median(times), "seconds an update": update,
        "GiB before": before, "GiB at the peak": _peak(),
    }  # fmt: skip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def _apart(name: str, method: str, backend: str, density: float, steps: int) -> dict[str, Any]:
    """Measure in a fresh process, because the memory peak of a process never falls."""
    words = [sys.executable, "-W", "ignore", "-m", "analysis.benchmarks.language_sizes", "--one", name, method, backend]
    done = subprocess.run([*words, str(density), str(steps)], check=True, capture_output=True, text=True)
    numbers: dict[str, float] = json.loads(done.stdout)
    case = {"network": name, "method": method, "backend": backend, "density": density}
    return case | {key: round(value, 3) for key, value in numbers.items()}


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--trained", nargs="*", default=["language-60m"], choices=COUNTED, help="sizes to train")
    parser.add_argument("--steps", type=int, default=3, help="steps between updates")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    return parser


def main(args: argparse.Namespace) -> None:
    """Count all sizes, train the smallest, and write the table."""
    if args.one:
        name, method, backend, density, steps = args.one
        print(json.dumps(measured(name, method, backend, float(density), int(steps))))
        return
    print(pd.DataFrame([counted(name) for name in COUNTED]).to_string(index=False), end="\n\n", flush=True)
    rows = [_apart(name, *network, args.steps) for name in args.trained for network in NETWORKS]
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    if rows:
        write_table(FILE, table)


if __name__ == "__main__":
    program().run(main)
