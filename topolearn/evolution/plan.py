"""When the topology changes, and how many links each layer then has: `DensityPlan`, and the interval of updates."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.links import Targets
from topolearn.evolution.methods import Method
from topolearn.evolution.schedules import DENSITY_SCHEDULES
from topolearn.generators import distribute

Sizes = Mapping[str, tuple[int, int]]


def initial_links(sizes: Sizes, method: Method) -> dict[str, int]:
    """Return the number of links with which each layer begins.

    With constant fan-in it is a multiple of the number of output neurons; what rounding down takes may come back when
    neurons are ablated.

    Raises
    ------
    InvalidValueError
        When the density leaves a layer, or with constant fan-in a neuron, without links.
    """
    named_alike = method.decays and not isinstance(method.base_distribution, str)  # all fall from one density
    counts = distribute(sizes, method.initial_density, "uniform" if named_alike else method.base_distribution)
    kind = kind_of(method)
    return {name: kind.starting_links(name, counts[name], *sizes[name]) for name in counts}


def final_links(sizes: Sizes, method: Method) -> dict[str, int]:
    """Return the number of links of each layer when the density has fallen."""
    return distribute(sizes, method.density, method.base_distribution)


def check_interval(word: str, given: int | None, method: Method) -> None:
    """Refuse steps between updates, under the name that they have there, which contradict those of a method.

    Raises
    ------
    InvalidValueError
    """
    if None not in (given, method.interval) and given != method.interval:
        raise InvalidValueError(
            f"{word}={given}, but method {method.name!r} demands {method.interval}: leave it out, or override that "
            f"part of the method, as by tl.method({method.name!r}, interval={given})"
        )


def settle_interval(given: int | None, method: Method) -> int:
    """Return the steps between two updates: those given, or those that the method demands.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When neither is there, or they differ.
    """
    if given is not None:
        given = check_size("interval", given)
    check_interval("interval", given, method)
    interval = given or method.interval
    if interval is None:
        raise InvalidValueError(
            f"method {method.name!r} has no interval of its own: give interval=..., the optimizer steps between two "
            "updates"
        )
    return interval


class DensityPlan:
    """The number of links of each layer after each update.

    Updates come at multiples of ``interval``; a warning says if none comes before the evolution ends. The last one at
    which the density falls is the last that does not lie beyond the end of the decay, and brings the final numbers
    exactly (eq. 6 writes the end as t_0 + n Delta t).

    Parameters
    ----------
    sizes : Mapping of str to (int, int)
        Numbers of input and output neurons of each layer.
    method : Method
    total_steps, interval : int
        Length of the training, and steps between updates.

    Raises
    ------
    InvalidValueError
        When the training is so short, or updates so rare, that there is none between start and end of the decay.

    Examples
    --------
    >>> from topolearn.evolution import method
    >>> rule = method("set", density=0.1, density_schedule="cubic", start_density=0.5, decay_end=1.0)
    >>> plan = DensityPlan({"a": (10, 10)}, rule, total_steps=50, interval=10)
    >>> [plan.after(step)["a"] for step in (0, 10, 20, 30, 40)]
    [50, 27, 15, 11, 10]
    """

    def __init__(self, sizes: Sizes, method: Method, total_steps: int, interval: int) -> None:
        self.start, self.final = initial_links(sizes, method), final_links(sizes, method)
        self._method, self._kind = method, kind_of(method)
        stop = min(method.stop_fraction * total_steps, total_steps)
        self.last_update = _last_multiple_below(stop, interval)
        self._first = method.decay_start * total_steps
        last = int(method.end_of_decay * total_steps / interval + 1e-9) * interval
        self.end = min(last, self.last_update) if method.decays else 0
        if method.decays and self.end <= self._first:
            raise InvalidValueError(
                f"total_steps={total_steps} with interval={interval} has no update while the density falls, from step "
                f"{self._first:g} to step {method.end_of_decay * total_steps:g}: train longer, or lower the interval"
            )
        if method.evolves and not self.last_update:
            warnings.warn(
                f"interval={interval} leaves the topology as it is: updates come at multiples of the interval before "
                f"step {stop:g} (stop_fraction={method.stop_fraction:g} of total_steps={total_steps}), and there is "
                "none: lower the interval, or train longer",
                stacklevel=3,
            )

    def falls_at(self, step: int) -> bool:
        """Whether the density falls at an update at this step."""
        return self._method.decays and self._first < step <= self.end

    def share(self, step: int) -> float:
        """Return the share of the fall that is done after an update at a step, g of the schedule."""
        if not self._method.decays or step >= self.end:
            return 1.0
        return DENSITY_SCHEDULES[self._method.density_schedule].share(
            max(0.0, (step - self._first) / (self.end - self._first))
        )

    def after(self, step: int) -> dict[str, int]:
        """Return the number of links of each layer after an update at a step; pooled layers share the sum."""
        left = 1.0 - self.share(step)
        return {name: last + round((self.start[name] - last) * left) for name, last in self.final.items()}

    def targets(self, step: int, present: Mapping[str, int]) -> Targets:
        """Return what an update at a step is to bring about, from the present numbers of links.

        Layers that are not among the present ones are left out.
        """
        falls, pooled = self.falls_at(step), self._method.is_pooled
        after = {name: count for name, count in self.after(step).items() if name in present}
        if pooled:
            after = after if falls else dict(present)
        else:
            after = {name: self._kind.links_after(count, present[name]) for name, count in after.items()}
        final = {name: min(self.final[name], after[name]) for name in present}
        return Targets(after, final, falls or any(after[name] < n for name, n in present.items()), pooled)


def _last_multiple_below(stop: float, interval: int) -> int:
    return max(math.ceil(stop / interval - 1e-9) - 1, 0) * interval
