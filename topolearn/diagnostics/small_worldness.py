"""Sigma and omega: the comparison of layers and one-mode graphs with random and lattice graphs."""

import warnings
from collections.abc import Sequence
from typing import Any

from topolearn.errors import MeasureRangeWarning, UndefinedMeasureError


def sigma_of(closed: float, closed_random: float, length: float, length_random: float, closing: str) -> float:
    r"""Return :math:`(C / C_r) / (L / L_r)`; `closing` is the name of C in messages.

    Raises
    ------
    UndefinedMeasureError
        When a denominator is 0.
    """
    for value, what in ((closed_random, closing), (length_random, "path length")):
        if not value:
            raise UndefinedMeasureError(f"sigma is undefined: random graphs with the same degrees have {what} 0")
    return float((closed / closed_random) / (length / length_random))


def omega_of(closed: float, closed_lattice: float, length: float, length_random: float, closing: str) -> float:
    r"""Return :math:`L_r / L - C / C_l`; `closing` is the name of C in messages.

    Raises
    ------
    UndefinedMeasureError
        When a denominator is 0.

    Warns
    -----
    MeasureRangeWarning
        When it is above 1.
    """
    for value, what in ((closed_lattice, f"the lattice with the same degrees has {closing} 0"),
                        (length, "no two nodes are joined by a path")):  # fmt: skip
        if not value:
            raise UndefinedMeasureError(f"omega is undefined: {what}")
    omega = float(length_random / length - closed / closed_lattice)
    if omega > 1:
        warnings.warn(
            f"omega = {omega:.3g} is above 1: the graph's paths have {length:.3g} links on average, those of random "
            f"graphs with its degrees {length_random:.3g}; see its largest component",
            MeasureRangeWarning,
            stacklevel=4,  # past the property and its cache
        )
    return omega


def named(world: Any, names: Sequence[str]) -> str:
    """Return a repr with sigma, omega and further values, as far as they are defined."""
    numbers = {name: value for name in ("sigma", "omega", *names) if (value := _defined(world, name)) is not None}
    return f"{type(world).__name__}({', '.join(f'{name}={value:.3g}' for name, value in numbers.items())})"


def _defined(world: Any, name: str) -> float | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MeasureRangeWarning)
            return float(getattr(world, name))
    except UndefinedMeasureError:
        return None
