"""Counts how often the host waits for an accelerator per update: ``python -m tests.devices.waits`` prints a table."""

import itertools
import warnings
from collections import Counter

import torch
from torch import nn

import topolearn as tl
from tests.devices.pretend import pretend_device
from topolearn.evolution import METHODS

WIDTHS = (40, 60, 60, 60, 10)


def trained(pretend, rule, *, device="cpu", n_steps=20, seed=0):
    """Train a small network; return the scheduler, and the waits of the host around updates and elsewhere.

    At multiples of the interval without an update, such as the end, weights are checked, which counts as around.
    """
    torch.manual_seed(seed)
    layers = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(WIDTHS)]
    data = torch.rand(64, WIDTHS[0]) if rule.needs_data else None
    model = tl.sparsify(nn.Sequential(*layers), rule, seed=seed, backend="masked", calibration=data).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=n_steps, interval=5, seed=seed)
    around, elsewhere = [], []
    for step in range(1, n_steps + 1):
        x = torch.randn(16, WIDTHS[0]).to(device)
        with pretend.counted() as trips:
            model(x).square().mean().backward()
            optimizer.step()
            update = topology.step()
            optimizer.zero_grad()
        if update is not None or step % 5 == 0:
            around.append(trips)
        elif step > 1:
            elsewhere.append(trips)
    return topology, around, elsewhere


def main() -> None:
    """Print, for each method, the waits per layer and update, those in other steps, and where most of them are."""
    pretend = pretend_device()
    warnings.simplefilter("ignore")
    print(f"{'method':12} per layer, update   in other steps   most frequent places in the whole training")
    for name, row in METHODS.items():
        if row.evolves:
            rule = tl.method(name, density=0.1, interval=None)
            topology, around, elsewhere = trained(pretend, rule, device=pretend.device)
            places = sum(around, Counter())
            mean = places.total() / len(around) / len(topology.layers)
            most = ", ".join(f"{where} {n}" for (_, where), n in places.most_common(3))
            print(f"{name:12} {mean:17.2f} {sum(each.total() for each in elsewhere):16}   {most}")


if __name__ == "__main__":
    main()
