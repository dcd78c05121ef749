"""When the topology changes, and how many links each layer has then: `DensityPlan`, and the update interval."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.methods import Method
from topolearn.evolution.schedules import DENSITY_SCHEDULES
from topolearn.evolution.step.links import Targets
from topolearn.generators import distribute
from topolearn.whole import ceil_of, floor_of

Sizes = Mapping[str, tuple[int, int]]


def initial_links(sizes: Sizes, method: Method) -> dict[str, int]:
    """Return the initial number of links of each layer.

    With constant fan-in it is rounded down to a multiple of the number of output neurons; the links lost in rounding
    can return when neurons are ablated.

    Raises
    ------
    InvalidValueError
        When the density leaves a layer, or with constant fan-in a neuron, without links.
    """
    named_alike = method.decays and not isinstance(method.base_distribution, str)  # all layers start from one density
    counts = distribute(sizes, method.initial_density, "uniform" if named_alike else method.base_distribution)
    kind = kind_of(method)
    return {name: kind.starting_links(name, counts[name], *sizes[name]) for name in counts}


def final_links(sizes: Sizes, method: Method) -> dict[str, int]:
    """Return the number of links of each layer at the end of the density decay."""
    return distribute(sizes, method.density, method.base_distribution)


def check_interval(word: str, given: int | None, method: Method) -> None:
    """Check that an update interval, given under some name, does not contradict that of a method.

    Raises
    ------
    InvalidValueError
    """
    if None not in (given, method.interval) and given != method.interval:
        raise InvalidValueError(
            f"{word}={given}, but method {method.name!r} requires {method.interval}: drop {word}, or override the "
            f"interval of the method with tl.method({method.name!r}, interval={given})"
        )


def settle_interval(given: int | None, method: Method) -> int:
    """Return the steps between two updates: the given interval, or the one that the method requires.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When neither is given, or they differ.
    """
    if given is not None:
        given = check_size("interval", given)
    check_interval("interval", given, method)
    interval = given or method.interval
    if interval is None:
        raise InvalidValueError(
            f"method {method.name!r} does not define an interval: pass interval=..., the number of optimizer steps "
            "between two updates"
        )
    return interval


class DensityPlan:
    """The number of links of each layer after each update.

    Updates happen at multiples of ``interval``; a warning is issued if there is none before the evolution ends. The
    density last falls at the last update that is not after the end of the decay, which reaches the final numbers
    exactly (eq. 6 writes the end as t_0 + n Delta t).

    Parameters
    ----------
    sizes : Mapping of str to (int, int)
        Numbers of input and output neurons of each layer.
    method : Method
    total_steps, interval : int
        Length of training, and steps between updates.

    Raises
    ------
    InvalidValueError
        When there is no update between start and end of the decay, because training is too short or the interval
        too long.

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
        self._planned_end = method.end_of_decay * total_steps
        last = floor_of(self._planned_end / interval) * interval
        self.end = min(last, self.last_update) if method.decays else 0
        if method.decays and self.end <= self._first:
            raise InvalidValueError(
                f"total_steps={total_steps} with interval={interval} has no update while the density falls, from step "
                f"{self._first:g} to step {self._planned_end:g}: train longer, or lower the interval"
            )
        if method.evolves and not self.last_update:
            warnings.warn(
                f"interval={interval} never changes the topology: updates happen at multiples of the interval before "
                f"step {stop:g} (stop_fraction={method.stop_fraction:g} of total_steps={total_steps}), and there are "
                "none: lower the interval, or train longer",
                stacklevel=3,
            )

    def falls_at(self, step: int) -> bool:
        """Return whether the density falls at an update at this step."""
        return self._method.decays and self._first < step <= self.end

    def share(self, step: int) -> float:
        """Return the share of the decay that is done after an update at a step, g of the schedule."""
        if not self._method.decays or step >= self.end:
            return 1.0
        schedule = DENSITY_SCHEDULES[self._method.density_schedule]
        end = self._planned_end if schedule.keeps_dates else self.end
        return schedule.share(max(0.0, (step - self._first) / (end - self._first)))

    def after(self, step: int) -> dict[str, int]:
        """Return the number of links of each layer after an update at a step; pooled layers share the sum."""
        left = 1.0 - self.share(step)
        return {name: last + round((self.start[name] - last) * left) for name, last in self.final.items()}

    def targets(self, step: int, present: Mapping[str, int], n_frozen: int = 0) -> Targets:
        """Return the targets of an update at a step, given the present numbers of links.

        Layers missing from ``present`` are left out; they are frozen and have ``n_frozen`` links together.
        """
        falls, pooled = self.falls_at(step), self._method.is_pooled
        after = {name: count for name, count in self.after(step).items() if name in present}
        if pooled:
            after = self._pooled(step, after, present, n_frozen)
        else:
            after = {name: self._kind.links_after(count, present[name]) for name, count in after.items()}
        final = {name: min(self.final[name], after[name]) for name in present}
        return Targets(after, final, falls or any(after[name] < n for name, n in present.items()), pooled)

    def _pooled(self, step: int, after: dict[str, int], present: Mapping[str, int], n_frozen: int) -> dict[str, int]:
        """Return the targets of pooled layers: those of all layers, less the links of frozen ones that have fewer."""
        n_scheduled, n_present = sum(after.values()), sum(present.values())
        n_after = max(n_scheduled, sum(self.after(step).values()) - n_frozen)
        if n_present <= n_after:
            return dict(present)
        last = next(reversed(after))  # any layer, as only the sum counts
        return {**after, last: after[last] + n_after - n_scheduled}


def _last_multiple_below(stop: float, interval: int) -> int:
    return max(ceil_of(stop / interval) - 1, 0) * interval
