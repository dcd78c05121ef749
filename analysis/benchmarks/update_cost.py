"""The cost of a topology update for each method, and its share of training: the paper's MLP, and a block of LLaMA.

Run it with ``python -m analysis.benchmarks.update_cost``; it writes figures/benchmark_update_cost.csv. Ordinary steps,
those around an update, and updates alternate in one process; medians are reported. SET, RigL and CHTs are compared with
the update that most programs use: whole matrices in plain PyTorch, with top-k and multinomial over all cells.
``floor ms`` is the minimum time of an update according to the machine's peaks (`analysis.benchmarks.roofline`).

If the density falls, updates at the start and at the final density are measured separately. All methods but SRigL start
from BSW. The share for the block excludes embeddings and head; in a whole model it is smaller. DeepR, which updates at
every step, updates every five steps here, so that there are steps of all kinds to time.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

import topolearn as tl
from analysis.benchmarks.plain_updates import PLAIN
from analysis.benchmarks.roofline import Floor, Peaks, measure_peaks
from analysis.program import Program
from analysis.tables import write_table
from topolearn.evolution import METHODS, REGROWTHS
from topolearn.evolution.methods import split_soft
from topolearn.sparse import MaskedLinear, SparseLinear
from topolearn.training.models import LlamaLayer, mlp

FIGURES = Path("figures")
NO_FLOOR = Floor(float("nan"), "")
EVERY = 5  # steps between updates while measuring; the first two after an update rebuild indices and refill caches


@dataclass(frozen=True)
class Setting:
    """A model, its batch, and the interval of topology updates in the paper."""

    model: Callable[[], nn.Module]
    batch: tuple[int, ...]  # the last number is the number of features
    tokens: int  # activations per neuron in a step
    density: float
    interval: int
    optimizer: Callable[..., torch.optim.Optimizer]
    exclude: list[str] | None
    overrides: dict[str, object]


SETTINGS = {
    "MLP": Setting(
        lambda: mlp(784, (1568,) * 3, 10), (32, 784), 32, 0.01, 1875,
        lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, weight_decay=5e-4, fused=True), None, {},
    ),
    "LLaMA-130M block": Setting(
        lambda: LlamaLayer(width=768, hidden=2048, n_heads=12), (8, 256, 768), 2048, 0.1, 100,
        lambda p: torch.optim.Adam(p, lr=1e-4, fused=True), [], {},
    ),
    "small": Setting(  # for the tests
        lambda: mlp(20, (30, 30), 4), (8, 20), 8, 0.1, 100, lambda p: torch.optim.SGD(p, lr=1e-3), None, {},
    ),
}  # fmt: skip


def phases(name: str, setting: Setting) -> dict[str, tl.Method]:
    """Return the phases of training in which updates differ, each with the method as configured there."""
    row = METHODS[name]
    overrides = dict(setting.overrides) if row.percolation else {}
    overrides |= {} if row.interval is None else {"interval": EVERY}  # so that there are steps of all kinds to time
    start = {} if row.constant_fan_in else {"generator": "bsw"}
    rule = row.with_overrides({"density": setting.density, "early_stop": False, **start, **overrides})
    if not rule.decays:
        return {"": rule}
    rules = {"at the start": rule}
    if rule.removal is not None and rule.zeta is not None:
        rules["at the final density"] = rule.with_overrides({"density_schedule": "constant"})
    return rules


def floor_of(
    rule: tl.Method, layers: Iterable[SparseLinear], optimizer: torch.optim.Optimizer, tokens: int, peaks: Peaks
) -> Floor:
    """Return the minimum time of an update by a method, with the state that the optimizer now has."""
    layers = list(layers)
    shapes = [(layer.in_features, layer.out_features, layer.n_links) for layer in layers]
    weight = layers[0].link_parameter
    n_moments = sum(torch.is_tensor(each) and each.shape == weight.shape for each in optimizer.state[weight].values())
    score = None if rule.regrowth is None else split_soft(rule.regrowth)[0]
    by_gradient = score is not None and REGROWTHS[score].needs_gradient
    return peaks.floor_of_update(shapes, tokens, n_moments=n_moments, by_gradient=by_gradient)


def measure(
    setting: Setting, rule: tl.Method, plain: str | None, device: torch.device, n: int, peaks: Peaks | None = None
) -> dict[str, Any]:
    """Return the median milliseconds of a step, the extra time of steps around an update, and of an update."""
    torch.manual_seed(0)
    model = tl.sparsify(setting.model(), rule, exclude=setting.exclude, batch=setting.tokens).to(device)
    optimizer = setting.optimizer(model.parameters())
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=10**6, interval=EVERY)
    x = torch.randn(setting.batch, device=device)
    peers = PLAIN[plain](topology.layers.values()) if plain else None

    def timed(run: Callable[[], object]) -> tuple[float, object]:
        start = time.perf_counter()
        result = run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return 1e3 * (time.perf_counter() - start), result

    def train() -> None:
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    times: dict[str, list[float]] = {word: [] for word in ("step", "first", "second", "before", "update", "plain")}
    for i in range(1, EVERY * (n + 1) + 1):
        step = timed(train)[0]
        update, result = timed(topology.step)
        assert (result is not None) == (i % EVERY == 0)
        if i > EVERY:  # the first round warms up
            times[{0: "before", 1: "first", 2: "second"}.get(i % EVERY, "step")].append(step)
            times["update"] += [update] if result is not None else []
            times["plain"] += [timed(peers)[0]] if result is not None and peers else []
    median = {word: statistics.median(each) if each else float("nan") for word, each in times.items()}
    more = sum(median[word] - median["step"] for word in ("before", "first", "second"))
    cost = median["update"] + max(more, 0.0)
    interval = METHODS[rule.name].interval or setting.interval
    floor = floor_of(rule, topology.layers.values(), optimizer, setting.tokens, peaks) if peaks else NO_FLOOR
    return {
        "backend": "masked" if isinstance(next(iter(topology.layers.values())), MaskedLinear) else "csr",
        "ms a step": median["step"],
        "ms more in steps around": more,
        "ms an update": median["update"],
        "ms an update, plain torch": median["plain"],
        "interval": interval,
        "share of training, %": 100 * cost / (cost + interval * median["step"]),
        "floor ms": floor.ms,
        "bound by": floor.bound,
        "share of floor, %": 100 * floor.ms / median["update"],
    }


def table(
    settings: list[str], methods: list[str], device: torch.device, n: int, peaks: Peaks | None = None
) -> pd.DataFrame:
    """Return a row for each setting, method and phase, with torch's current number of threads."""
    rows = []
    for setting in settings:
        for name in methods:
            for phase, rule in phases(name, SETTINGS[setting]).items():
                plain = name if name in PLAIN else None
                costs = measure(SETTINGS[setting], rule, plain, device, n, peaks)
                threads = torch.get_num_threads() if device.type == "cpu" else None
                rows.append({"model": setting, "method": name, "phase": phase, "threads": threads, **costs})
                print(*(f"{k} {v:.4g}" if isinstance(v, float) else v for k, v in rows[-1].items()), flush=True)
    return pd.DataFrame(rows)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    evolving = [name for name, row in METHODS.items() if row.evolves]
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--updates", type=int, default=5, help="updates to measure per method and phase")
    parser.add_argument("--settings", nargs="+", default=["MLP", "LLaMA-130M block"], choices=SETTINGS)
    parser.add_argument("--methods", nargs="+", default=evolving, choices=evolving)
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure every evolving method, and write the table."""
    tables = []
    for threads in args.threads:
        torch.set_num_threads(threads)
        peaks = measure_peaks(threads) if args.device == "cpu" else None
        tables.append(table(args.settings, args.methods, torch.device(args.device), args.updates, peaks))
    whole = pd.concat(tables)
    suffix = "" if args.device == "cpu" else f"_{torch.device(args.device).type}"
    write_table(FIGURES / f"benchmark_update_cost{suffix}.csv", whole, float_format="%.5g")
    print(whole.to_string(index=False))


if __name__ == "__main__":
    program().run(main)
