"""`stretches`: the number of links throughout a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from topolearn.evolution import DensityPlan, Method
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.ordinary import Ordinary


@dataclass(frozen=True)
class Stretch:
    """A run of consecutive steps with the same numbers of links.

    Attributes
    ----------
    n_steps : int
    n_updates : int
        Updates in these steps, including the update that ends them.
    links, trained : dict of str to int
        The links of each sparse layer, and its cells that get a gradient; only Top-KAST trains more cells than links.
    """

    n_steps: int
    n_updates: int
    links: dict[str, int]
    trained: dict[str, int]


def stretches(sizes: Mapping[str, tuple[int, int]], method: Method, steps: int, interval: int) -> list[Stretch]:
    """Return how many links each layer has, step by step, as `topolearn.TopologyScheduler` plans them.

    Where a falling density ranks the links of all layers together, only the sum is exact: layers are assumed to keep
    their shares. Where neurons may be ablated (SRigL), all are assumed to stay, and where evolution may stop early
    (CHT), it is assumed to continue.

    Parameters
    ----------
    sizes : Mapping of str to (int, int)
        Numbers of input and output neurons of each sparse layer.
    method : Method
    steps, interval : int
        Length of the training, and steps between updates.

    Raises
    ------
    InvalidValueError
        When the density leaves a layer without links, or no update happens while the density falls.

    Examples
    --------
    >>> from topolearn.evolution import method
    >>> falling = method("gmp", density=0.1, start_density=0.5)
    >>> [(each.n_steps, each.links) for each in stretches({"a": (10, 10)}, falling, steps=50, interval=15)]
    [(15, {'a': 50}), (15, {'a': 15}), (20, {'a': 10})]
    """
    kind, plan = kind_of(method), DensityPlan(sizes, method, steps, interval)
    changes = {0: dict(plan.start)}  # by step, the links from this step on
    present = changes[0]
    for step in range(interval, plan.end + 1, interval):
        if plan.falls_at(step):
            after = plan.targets(step, present).after
            present = {name: kind.starting_links(name, n, *sizes[name]) for name, n in after.items()}
            changes[step] = present
    if kind.reselects and plan.last_update:
        changes.setdefault(plan.last_update, present)
    planned, begins = [], sorted(changes)
    for begin, end in zip(begins, [*begins[1:], steps], strict=True):
        trained = _trained(kind, changes[begin], sizes, explores=begin < plan.last_update or not plan.last_update)
        n_updates = max(min(end, plan.last_update) // interval - begin // interval, 0)
        planned.append(Stretch(end - begin, n_updates, changes[begin], trained))
    return planned


def _trained(
    kind: Ordinary, links: Mapping[str, int], sizes: Mapping[str, tuple[int, int]], *, explores: bool
) -> dict[str, int]:
    """Return how many cells of each layer are trained; after the last update, only the links are."""
    return {name: kind.n_trained(n, sizes[name][0] * sizes[name][1]) if explores else n for name, n in links.items()}
