"""A sparse layer, forward and backward, compared with sparselab's layer, torch's CSR and a dense layer.

Run it with ``python -m analysis.benchmarks.layers`` (``pip install '.[bench]'``, for sparselab); it writes
figures/benchmark_layers.csv. Layers of each shape, density and batch alternate in one process, with the gradients of
inputs, links and biases; medians and minima of milliseconds are reported. sparselab's layers have the same number of
links, which sparselab draws. Torch's CSR is its sparse product and `sampled_addmm`, which `topolearn.sparse` uses
without numba.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.devices import processor
from topolearn.sampling import torch_draws_from
from topolearn.sparse import CsrLinear
from topolearn.sparse.products import by_torch
from topolearn.threads import thread_count

FILE = Path("figures/benchmark_layers.csv")
SHAPES = ((1568, 1568), (512, 2048), (1024, 4096))  # inputs and outputs
DENSITIES, BATCHES = (0.01, 0.05, 0.1, 0.2), (32, 128, 512, 2048)
Pass = Callable[[], object]


def ours(n_in: int, n_out: int, density: float) -> CsrLinear:
    """Return topolearn's layer."""
    return CsrLinear(n_in, n_out, graph=tl.generators.erdos_renyi(n_in, n_out, density, seed=0))


@cache
def theirs(n_in: int, n_out: int, density: float) -> nn.Module:
    """Return sparselab's layer, cached, because sparselab mistakes a new layer at the same address for the old one."""
    from sparselab import SparseLinear

    layer: nn.Module = SparseLinear(n_in, n_out, sparsity=1 - density)
    return layer


class TorchCsr(nn.Module):
    """The same links with torch's sparse products."""

    def __init__(self, n_in: int, n_out: int, density: float) -> None:
        super().__init__()
        layer = ours(n_in, n_out, density)
        self.index, self.values, self.bias = layer.index, layer.values, layer.bias

    def forward_and_backward(self, x: Tensor, dy: Tensor) -> None:
        """Compute outputs and all gradients, as an autograd node would."""
        turned, dz = x.t().contiguous(), dy.t().contiguous()
        by_torch.outputs(self.index, self.values, self.bias, turned, relu=False)
        by_torch.gradients(self.index, self.values, turned, dz, need_dx=True, behind_relu=False)


def passes(n_in: int, n_out: int, density: float, batch: int, kinds: tuple[str, ...]) -> dict[str, Pass]:
    """Return, for each kind of layer, a function that runs it forward and backward."""
    x, dy = torch.randn(batch, n_in).requires_grad_(), torch.randn(batch, n_out)

    def both_ways(layer: nn.Module) -> Pass:
        def go() -> None:
            layer.zero_grad()
            x.grad = None
            layer(x).backward(dy)

        return go

    makers: dict[str, Callable[[], Pass]] = {
        "topolearn": lambda: both_ways(ours(n_in, n_out, density)),
        "sparselab": lambda: both_ways(theirs(n_in, n_out, density)),
        "dense": lambda: both_ways(nn.Linear(n_in, n_out)),
        "torch csr": lambda: _without_autograd(TorchCsr(n_in, n_out, density), x.detach(), dy),
    }
    with torch_draws_from(0):
        return {kind: makers[kind]() for kind in kinds}


def _without_autograd(layer: TorchCsr, x: Tensor, dy: Tensor) -> Pass:
    def go() -> None:
        with torch.no_grad():
            layer.forward_and_backward(x, dy)

    return go


def measure(functions: dict[str, Pass], seconds: float) -> dict[str, list[float]]:
    """Return the milliseconds of each function, alternating, for a total time; the first two calls warm up."""
    times: dict[str, list[float]] = {kind: [] for kind in functions}
    began = time.perf_counter()
    while len(next(iter(times.values()))) < 7 or time.perf_counter() - began < seconds:
        for kind, function in functions.items():
            start = time.perf_counter()
            function()
            times[kind].append(1e3 * (time.perf_counter() - start))
    return {kind: each[2:] for kind, each in times.items()}


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--densities", type=float, nargs="+", default=DENSITIES)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--kinds", nargs="+", default=["topolearn", "sparselab", "dense", "torch csr"])
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each case")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all cases, and write the table."""
    rows = []
    for threads, (n_in, n_out), density, batch in itertools.product(args.threads, SHAPES, args.densities, args.batches):
        with thread_count(threads):
            times = measure(passes(n_in, n_out, density, batch, tuple(args.kinds)), args.seconds)
        case = {"inputs": n_in, "outputs": n_out, "density": density, "batch": batch, "threads": threads}
        medians = {f"{kind} ms": round(statistics.median(each), 4) for kind, each in times.items()}
        minima = {f"{kind} least": round(min(each), 4) for kind, each in times.items()}
        rows.append(case | medians | minima)
        print(pd.DataFrame(rows[-1:]).to_string(index=False, header=len(rows) == 1), flush=True)
    table = pd.DataFrame(rows).assign(processor=processor())
    write_table(FILE, table)


if __name__ == "__main__":
    program().run(main)
