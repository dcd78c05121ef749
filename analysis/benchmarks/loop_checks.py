"""The cost per training step of the check in masked layers for weights written by other code.

Run it with ``python -m analysis.benchmarks.loop_checks``; it writes figures/benchmark_loop_checks.csv. Steps of the
paper's MLP and of a Transformer block alternate with and without the checks: the peer's layers mask their gradient only
with a hook. Clipping changes gradients in place, so that they are masked again; it has its own rows.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.sparse import MaskedLinear

FIGURES = Path("figures")
INTEGERS = {4: torch.int32, 8: torch.int64}


class Unchecked(MaskedLinear):
    """A masked layer that relies on its gradient hook alone."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs without checking the weights."""
        return F.linear(x, self.weight, self.bias)


def uncheck(model: nn.Module) -> nn.Module:
    """Remove the checks from the masked layers of a model."""
    for layer in [module for module in model.modules() if type(module) is MaskedLinear]:
        layer.__class__ = Unchecked
        for handle in list(layer.weight._post_accumulate_grad_hooks or ()):
            del layer.weight._post_accumulate_grad_hooks[handle]
        layer.weight.register_post_accumulate_grad_hook(_mask_of(layer))
    return model


def _mask_of(layer: MaskedLinear) -> Callable[[Tensor], None]:
    bits = layer.mask.to(INTEGERS[layer.weight.itemsize]).neg_()

    def mask(weight: Tensor) -> None:
        if weight.grad is not None:
            weight.grad.view(bits.dtype).bitwise_and_(bits)

    return mask


def mlp(width: int) -> tuple[nn.Module, Tensor]:
    """Return the paper's MLP with three hidden layers, and a batch for it."""
    sizes = (784, width, width, width)
    layers = [step for a, b in pairwise(sizes) for step in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(width, 10)), torch.randn(32, 784)


def block(width: int) -> tuple[nn.Module, Tensor]:
    """Return a block of a Transformer encoder, and a batch of sequences for it."""
    layer = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=0.0, batch_first=True)
    return tl.unpack_attention(layer), torch.randn(16, 32, width)


class Training:
    """A model, its optimizer and a batch."""

    def __init__(self, make: Callable[[int], tuple[nn.Module, Tensor]], width: int, density: float) -> None:
        torch.manual_seed(0)
        model, self.x = make(width)
        rule = tl.method("static", density=density)
        self.model = tl.sparsify(model, rule, backend="masked", exclude=None if make is mlp else [])
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)

    def step(self, clips: bool) -> float:
        """Take a step, and return its milliseconds."""
        start = time.perf_counter()
        self.optimizer.zero_grad()
        self.model(self.x).square().mean().backward()
        if clips:
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return 1e3 * (time.perf_counter() - start)


def table(widths: Iterable[int], *, density: float, rounds: int) -> pd.DataFrame:
    """Return the medians with and without checks, and of their paired ratio, for each model and with clipping."""
    rows = []
    for make, width in zip((mlp, block), widths, strict=True):
        for clips in (False, True):
            checked, unchecked = (Training(make, width, density) for _ in range(2))
            uncheck(unchecked.model)
            pairs = []
            for n in range(rounds + 3):
                order = (checked, unchecked) if n % 2 else (unchecked, checked)
                taken = {id(checked): 0.0, id(unchecked): 0.0}
                for each in (*order, *reversed(order)):  # so that a drift affects both equally
                    taken[id(each)] += each.step(clips) / 2
                pairs.append((taken[id(checked)], taken[id(unchecked)]))
            pairs = pairs[3:]
            rows.append(
                {
                    "model": make.__name__,
                    "width": width,
                    "clips": clips,
                    "checked_ms": statistics.median(one for one, _ in pairs),
                    "unchecked_ms": statistics.median(other for _, other in pairs),
                    "ratio": statistics.median(one / other for one, other in pairs),
                }
            )
    return pd.DataFrame(rows)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100)
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(args.threads)
    frame = table((1568, 512), density=0.05, rounds=args.rounds)
    print(frame.round(3).to_string(index=False))
    write_table(FIGURES / "benchmark_loop_checks.csv", frame, float_format="%.4f")


if __name__ == "__main__":
    program().run(main)
