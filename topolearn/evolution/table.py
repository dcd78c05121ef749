"""The table of methods: each is one row of parts, with the defaults of its paper."""

from typing import Any

import pandas as pd

from topolearn.evolution.method import Method
from topolearn.registry import Registry

_ROWS = [
    Method(
        name="dense",
        title="FC",
        paper="fully connected; the reference of every comparison",
        density=1.0,
        generator=None,
    ),
    Method(
        name="static",
        title="static",
        paper="a random topology that never changes",
        generator="er",
    ),
    Method(
        name="set",
        title="SET",
        paper="Mocanu et al., Nature Communications 2018",
        generator="er",
        removal="weight_magnitude",
        regrowth="random",
        zeta=0.3,
    ),
    Method(
        name="chts",
        title="CHTs",
        paper="Zhang et al., Cannistraci-Hebb training soft rule",
        generator="bsw",
        generator_params={"beta": 0.25},
        removal="weight_magnitude-soft",
        regrowth="ch2_l3n-soft",
        zeta=0.3,
        percolation=True,
    ),
]


class MethodTable(Registry[Method]):
    """All methods by name; shown as a table."""

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each method and a column for each part."""
        rows = [{**row.to_dict(), "generator": _describe_generator(row)} for row in self.values()]
        columns = [
            "title", "density", "generator", "removal", "regrowth", "zeta", "zeta_schedule", "percolation", "paper",
        ]  # fmt: skip
        frame = pd.DataFrame(rows, index=pd.Index(self, name="method"))[columns].astype(object)
        frame.loc[[not row.evolves for row in self.values()], ["zeta", "zeta_schedule", "percolation"]] = None
        return frame.where(frame.notna(), "-")

    def __repr__(self) -> str:
        return self.to_frame().to_string()

    def _repr_html_(self) -> str:
        return self.to_frame().to_html()


METHODS = MethodTable("method", {row.name: row for row in _ROWS})


def methods() -> MethodTable:
    """Return all methods by name, a table when shown.

    Examples
    --------
    >>> methods()["set"].regrowth
    'random'
    """
    return METHODS


def method(name: str, /, density: float | None = None, **overrides: Any) -> Method:
    """Return a method by name, with other values for some of its fields.

    Parameters
    ----------
    name : str
        One of `methods`.
    density : float, optional
        Share of the cells that are links.
    **overrides
        Fields of `Method`, such as ``generator="er"`` or ``zeta=0.2``.

    Raises
    ------
    UnknownNameError, InvalidValueError
        For an unknown method or field, or a value that is refused.

    Examples
    --------
    >>> method("chts", density=0.01, regrowth="random").percolation
    True
    """
    if density is not None:
        overrides["density"] = density
    return METHODS[name].with_overrides(overrides)


def _describe_generator(row: Method) -> str | None:
    if not row.generator_params:
        return row.generator
    return f"{row.generator}({', '.join(f'{word}={value:g}' for word, value in row.generator_params.items())})"
