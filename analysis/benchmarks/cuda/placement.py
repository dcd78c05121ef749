"""Whether updates on the device choose the same links as on the CPU, and leave no weights off them."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

import topolearn as tl
from analysis.benchmarks.cuda.block_training import weights_off_links
from analysis.benchmarks.cuda.sizes import Sizes
from analysis.benchmarks.cuda.stage import Case, Stage
from topolearn.evolution import METHODS

INTERVAL, TOTAL = 5, 40  # steps between updates, and the length of schedules


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Return one case for each evolving method."""
    return [{"method": name} for name, row in METHODS.items() if row.evolves]


def trained(name: str, sizes: Sizes, device: torch.device) -> tuple[list[dict[str, Tensor]], int]:
    """Return the links of each layer after each update, on the CPU, and the number of weights off the last links."""
    rule = tl.method(name, density=0.1, interval=None)
    generator = torch.Generator().manual_seed(0)
    n_steps = sizes.n_updates * INTERVAL
    x = torch.rand(n_steps, 32, sizes.mlp[0], generator=generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        steps = [step for a, b in pairwise(sizes.mlp) for step in (nn.Linear(a, b), nn.ReLU())]
        model: nn.Module = nn.Sequential(*steps[:-1])
        model = tl.sparsify(model, rule, backend="masked", calibration=x[0] if rule.needs_data else None).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=TOTAL, interval=INTERVAL)
    links = []
    for i in range(n_steps):
        optimizer.zero_grad()
        model(x[i].to(device)).square().mean().backward()
        optimizer.step()
        if topology.step() is not None:
            links.append({layer: module.cells().cpu() for layer, module in topology.layers.items()})
    return links, weights_off_links(topology.layers.values()) if rule.storage == "links" else 0


def measure(case: Case, sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Return the numbers of links unlike the CPU's after the first and last update, and of weights off the links."""
    expected, _ = trained(case["method"], sizes, torch.device("cpu"))
    links, n_off = trained(case["method"], sizes, device)
    if len(links) != len(expected):
        raise RuntimeError(f"{len(links)} updates on {device}, {len(expected)} on the CPU")

    def n_different(i: int) -> int:
        return sum(int((~torch.isin(cells, expected[i][layer])).sum()) for layer, cells in links[i].items())

    return {
        "updates": len(links),
        "links": sum(len(cells) for cells in expected[0].values()),
        "differ after the first update": n_different(0),
        "differ after the last update": n_different(-1),
        "off-link weights": n_off,
    }


PLACEMENT = Stage("placement", 35, cases, measure, lambda case, sizes: 1.5)
