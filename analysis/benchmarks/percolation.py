"""Percolation of LLaMA-130M with 84 sparse layers, compared with a training step and with whole masks in plain torch.

Run it with ``python -m analysis.benchmarks.percolation``; it writes figures/benchmark_percolation.csv. All cases
alternate in one process; medians are reported. *Links* starts from the links of each layer, as an update does; *masks*
from boolean masks, whose links are read first. The peer has no links: it clears rows and columns of whole masks until
nothing changes, like programs that simulate sparsity.

Links are drawn at random, and a share of the gated neurons loses all its links in, as might happen in training, because
at these densities almost no neuron of a random topology is inactive.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.graph import NeuronGroup, percolate_cells
from topolearn.sparse import sparse_layers
from topolearn.training.models import Llama

FIGURES = Path("figures")
SIZES = {"whole": {}, "small": {"vocabulary": 100, "width": 48, "hidden": 96, "n_layers": 2, "n_heads": 4}}
INACTIVE = 0.2  # share of the gated neurons


def links_of(model: Llama, density: float) -> dict[str, Tensor]:
    """Return random links of each layer, without links into some gated neurons."""
    generator = torch.Generator().manual_seed(0)
    tl.sparsify(model, tl.method("static", density=density), init="keep", backend="masked")
    cells = {}
    for name, layer in sparse_layers(model).items():
        cells[name] = layer.cells()
        if name.endswith("gate_proj"):
            gone = torch.rand(layer.out_features, generator=generator) < INACTIVE
            cells[name] = cells[name][~gone[cells[name] // layer.in_features]]
            layer.set_links(cells[name])
    return cells


def by_masks(masks: Mapping[str, Tensor], groups: Sequence[NeuronGroup]) -> None:
    """Percolate whole masks in place, for layers without shared heads: the peer."""
    changed = True
    while changed:
        before = sum(int(mask.count_nonzero()) for mask in masks.values())
        for group in groups:
            into = torch.stack([masks[name].any(dim=1) for name in group.writers])
            active = into.all(dim=0) if group.combine == "all" else into.any(dim=0)
            if group.readers:
                active &= torch.stack([masks[name].any(dim=0) for name in group.readers]).any(dim=0)
            for name in group.writers:
                masks[name] &= active[:, None]
            for name in group.readers:
                masks[name] &= active
        changed = sum(int(mask.count_nonzero()) for mask in masks.values()) != before


def seconds(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(size: str, density: float, tokens: int, n: int) -> dict[str, object]:
    """Return median times at one density."""
    torch.manual_seed(0)
    model = Llama(**SIZES[size])
    vocabulary = model.lm_head.out_features
    links = links_of(model, density)
    layers = sparse_layers(model)
    network = tl.topology_of(model)
    masks = {name: network.graphs[name].to_torch() for name in layers}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    text = torch.randint(
        vocabulary, (max(tokens // 256, 1), min(tokens, 256)), generator=torch.Generator().manual_seed(1)
    )

    def train() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(text).flatten(0, 1), text.flatten()).backward()
        optimizer.step()

    def from_masks() -> dict[str, Tensor]:
        cells = {name: mask.flatten().nonzero().squeeze(1) for name, mask in masks.items()}
        return percolate_cells(cells, network.shapes, network.groups)

    times: dict[str, list[float]] = {"links": [], "masks": [], "peer": [], "step": []}
    left = percolate_cells(links, network.shapes, network.groups)
    for i in range(n + 1):
        whole = {name: mask.clone() for name, mask in masks.items()}
        this_round = {
            "links": seconds(lambda: percolate_cells(links, network.shapes, network.groups)),
            "masks": seconds(from_masks),
            "peer": seconds(lambda whole=whole: by_masks(whole, network.groups)),  # type: ignore[misc]
            "step": seconds(train) if i < 4 else float("nan"),
        }
        if i:  # the first round warms up
            for name, value in this_round.items():
                times[name].append(value)
        for name, mask in whole.items():
            assert torch.equal(mask.flatten().nonzero().squeeze(1), left[name])
    median = {name: 1e3 * pd.Series(values).median() for name, values in times.items()}
    return {
        "density": density,
        "layers": len(layers),
        "links": sum(each.numel() for each in links.values()),
        "percolated": sum(links[name].numel() - left[name].numel() for name in links),
        "ms, links": median["links"],
        "ms, masks": median["masks"],
        "ms, whole masks in plain torch": median["peer"],
        "ms, a training step": median["step"],
        "tokens of a step": text.numel(),
        "threads": torch.get_num_threads(),
    }


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--size", default="whole", choices=SIZES)
    parser.add_argument("--densities", type=float, nargs="+", default=[0.01, 0.05, 0.1, 0.3])
    parser.add_argument("--tokens", type=int, default=512, help="tokens per training step")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure percolation at several densities, and write the table."""
    torch.set_num_threads(args.threads)
    rows = []
    for density in args.densities:
        rows.append(measure(args.size, density, args.tokens, args.rounds))
        print(*(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in rows[-1].items()), flush=True)
    table = pd.DataFrame(rows).round(2)
    write_table(FIGURES / "benchmark_percolation.csv", table)
    print(table.to_string(index=False))


if __name__ == "__main__":
    program().run(main)
