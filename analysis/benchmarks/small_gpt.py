"""A step of a small GPT with feed-forward layers at 10 % density, compared with sparselab and the dense network.

Run it with ``python -m analysis.benchmarks.small_gpt`` (``pip install '.[bench]'``, for sparselab); it writes
figures/benchmark_small_gpt.csv. The network is that of sparselab's headline: eight layers, width 640, feed-forward
layers of 2,560 with GELU, about 40 million parameters when dense, SGD; batches of eight sequences of 128 characters.
The attention is dense in all networks. They alternate in one process; medians and minima are reported.
"""

import argparse
import statistics
import time
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import topolearn as tl
from analysis.benchmarks.layers import theirs
from analysis.program import Program
from analysis.tables import write_table
from topolearn.devices import processor
from topolearn.sampling import torch_draws_from
from topolearn.threads import thread_count

FILE = Path("figures/benchmark_small_gpt.csv")
DENSITY = 0.1
KINDS = ("topolearn", "sparselab", "dense")


class Block(nn.Module):
    """A layer of the GPT: causal self-attention and a feed-forward network, each with a norm and a skip connection."""

    def __init__(self, width: int, hidden: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations of the next layer, shape (batch, length, width)."""
        q, k, v = (
            each.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for each in self.qkv(self.norm1(x)).chunk(3, -1)
        )
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + self.out(attended)
        return x + self.feed_forward(self.norm2(x))


def gpt(width: int, hidden: int, n_layers: int, n_heads: int, n_words: int) -> nn.Sequential:
    """Return the dense network."""
    blocks = [Block(width, hidden, n_heads) for _ in range(n_layers)]
    return nn.Sequential(nn.Embedding(n_words, width), *blocks, nn.LayerNorm(width), nn.Linear(width, n_words))


def sparse(model: nn.Module, kind: str) -> nn.Module:
    """Return a network whose feed-forward layers are of the given kind."""
    if kind == "topolearn":
        names = [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
        others = [name for name in names if "feed_forward" not in name]
        return tl.sparsify(model, tl.method("static", density=DENSITY), exclude=others, backend="csr", init="keep")
    if kind == "sparselab":
        for block in model.modules():
            if isinstance(block, Block):
                for i, layer in ((0, block.feed_forward[0]), (2, block.feed_forward[2])):
                    theirs.cache_clear()
                    block.feed_forward[i] = theirs(layer.in_features, layer.out_features, DENSITY)
    return model


def measure(kinds: tuple[str, ...], sizes: dict[str, int], batch: tuple[int, int], n: int) -> dict[str, list[float]]:
    """Return the milliseconds of n steps of each kind, alternating, after two warm-up steps."""
    with torch_draws_from(0):
        models = {kind: sparse(gpt(**sizes), kind) for kind in kinds}
        words = torch.randint(sizes["n_words"], (batch[0], batch[1] + 1))
    optimizers = {kind: torch.optim.SGD(model.parameters(), lr=0.01) for kind, model in models.items()}
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(n + 2):
        for kind, model in models.items():
            start = time.perf_counter()
            optimizers[kind].zero_grad()
            F.cross_entropy(model(words[:, :-1]).flatten(0, 1), words[:, 1:].flatten()).backward()
            optimizers[kind].step()
            times[kind].append(1e3 * (time.perf_counter() - start))
    return {kind: each[2:] for kind, each in times.items()}


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--batch", type=int, nargs=2, default=(8, 128), metavar=("SEQUENCES", "LENGTH"))
    parser.add_argument("--steps", type=int, default=7)
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure on one and on two threads, and write the table."""
    sizes = {"width": 640, "hidden": 2560, "n_layers": 8, "n_heads": 10, "n_words": 65}
    rows = []
    for threads in args.threads:
        with thread_count(threads):
            times = measure(tuple(args.kinds), sizes, tuple(args.batch), args.steps)
        ours = statistics.median(times[args.kinds[0]])
        for kind, each in times.items():
            middle = statistics.median(each)
            rows.append(
                {"threads": threads, "network": kind, "ms": middle, "least": min(each), "times ours": middle / ours}
            )
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows).round(2).assign(sequences=args.batch[0], length=args.batch[1], processor=processor())
    write_table(FILE, table)


if __name__ == "__main__":
    program().run(main)
