"""The table of methods: each row combines parts, with the defaults of the method's paper."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from topolearn.evolution.methods.consistency import HISTORY
from topolearn.evolution.methods.method import Method
from topolearn.evolution.schedules import DENSITY_SCHEDULES
from topolearn.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

CHTS: dict[str, Any] = {
    "generator": "bsw",
    "generator_params": {"beta": 0.25},
    "removal": "weight_magnitude-soft",
    "regrowth": "ch2_l3n-soft",
    "percolation": True,
}
BY_IMPORTANCE: dict[str, Any] = {"start_density": 0.5, "pruning": "relative_importance"}

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
    ),
    Method(
        name="set",
        title="SET",
        paper="Mocanu et al., Nature Communications 2018",
        removal="weight_magnitude",
        regrowth="random",
    ),
    Method(
        name="rigl",
        title="RigL",
        paper="Evci et al., ICML 2020",
        removal="weight_magnitude",
        regrowth="gradient",
        zeta_schedule="cosine",
        stop_fraction=0.75,
        skip_gradient_step=True,
    ),
    Method(
        name="rigl-soft",
        title="RigL-soft",
        paper="topolearn's own, found on held-out examples (analysis/preset_search.py)",
        generator="csti",
        removal="weight_magnitude-soft",
        regrowth="gradient",
    ),
    Method(
        name="srigl",
        title="SRigL",
        paper="Lasby et al., ICLR 2024, Dynamic sparse training with structured sparsity",
        generator="fixed_fan_in",
        removal="weight_magnitude",
        regrowth="gradient",
        zeta_schedule="cosine",
        stop_fraction=0.75,
        skip_gradient_step=True,
        constant_fan_in=True,
        ablation=0.3,
    ),
    Method(
        name="cht",
        title="CHT",
        paper="Zhang et al., ICLR 2024, Epitopological learning and Cannistraci-Hebb network shape intelligence",
        generator="csti",
        removal="weight_magnitude",
        regrowth="ch3_l3p",
        percolation=True,
        early_stop=True,
    ),
    Method(
        name="chts",
        title="CHTs",
        paper="Zhang et al., Cannistraci-Hebb training soft rule",
        **CHTS,
    ),
    Method(
        name="chtss",
        title="CHTss",
        paper="Zhang et al., Cannistraci-Hebb training soft rule, with sigmoid gradual density decay",
        density_schedule="sigmoid",
        match_flops=True,
        **BY_IMPORTANCE,
        **CHTS,
    ),
    Method(
        name="mest",
        title="MEST (EM&S)",
        paper="Yuan et al., NeurIPS 2021",
        density_schedule="em_s",
        pruning="mest",
        removal="mest",
        regrowth="random",
        zeta=None,
        stop_fraction=0.75,
    ),
    Method(
        name="deepr",
        title="DeepR",
        paper="Bellec et al., ICLR 2018, Deep rewiring",
        removal="sign",
        regrowth="random",
        zeta=None,
        interval=1,
        l1=1e-5,
        noise=2.5e-11,
    ),
    Method(
        name="gmp",
        title="GMP",
        paper="Zhu, Gupta 2017, To prune, or not to prune",
        density_schedule="cubic",
        start_density=0.5,
        storage="dense",
    ),
    Method(
        name="topkast",
        title="Top-KAST",
        paper="Jayakumar et al., NeurIPS 2020",
        stop_fraction=0.75,
        storage="dense",
        backward_ratio=2.0,
        exploration_penalty=1e-4,
    ),
    Method(
        name="granet",
        title="GraNet",
        paper="Liu et al., NeurIPS 2021",
        density_schedule="cubic",
        start_density=0.5,
        decay_end=0.69,
        removal="weight_magnitude",
        regrowth="gradient",
        zeta=0.5,
        zeta_schedule="cosine",
        skip_gradient_step=True,
    ),
    Method(
        name="chts-gmp",
        title="CHTs (GMP)",
        paper="Zhang et al., Cannistraci-Hebb training soft rule, with the cubic decay of GMP",
        density_schedule="cubic",
        **BY_IMPORTANCE,
        **CHTS,
    ),
]


class MethodTable(Registry[Method]):
    """All methods by name, displayed as a table."""

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each method and a column for each part."""
        import pandas as pd

        rows = [{**row.to_dict(), "generator": _describe_generator(row)} for row in self.values()]
        columns = [
            "title", "generator", "density_schedule", "start_density", "pruning", "removal", "regrowth", "zeta",
            "zeta_schedule", "interval", "percolation", "backward_ratio", "stop_fraction", "paper",
        ]  # fmt: skip
        frame = pd.DataFrame(rows, index=pd.Index(self, name="method"))[columns].astype(object)
        of_removal = ["zeta", "zeta_schedule", "percolation"]
        frame.loc[[row.removal is None for row in self.values()], of_removal] = None
        frame.loc[[row.zeta is None for row in self.values()], of_removal[:2]] = "to the end"
        frame.loc[[row.tests for row in self.values()], of_removal[:2]] = None
        frame.loc[[not row.decays for row in self.values()], ["density_schedule", "start_density"]] = None
        frame.loc[[not row.prunes for row in self.values()], "pruning"] = None
        frame.loc[[not row.evolves for row in self.values()], "stop_fraction"] = None
        return frame.where(frame.notna(), "-")

    def __repr__(self) -> str:
        margin = " " * (max(map(len, self)) + 2)
        return "\n".join(name + textwrap.indent(_in_words(row), margin)[len(name) :] for name, row in self.items())

    def _repr_html_(self) -> str:
        return self.to_frame().to_html()


METHODS = MethodTable("method", {row.name: row for row in _ROWS})


def methods() -> MethodTable:
    """Return all methods by name, displayed as a table.

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
        A name in `methods`.
    density : float, optional
        Share of the cells that are links.
    **overrides
        Fields of `Method`, such as ``generator="er"`` or ``zeta=0.2``.

    Raises
    ------
    UnknownNameError, InvalidValueError
        For an unknown method or field, or an invalid value.

    Examples
    --------
    >>> method("chts", density=0.01, regrowth="random").percolation
    True
    """
    if density is not None:
        overrides["density"] = density
    return METHODS[name].with_overrides(overrides)


def _in_words(row: Method) -> str:
    """Return lines with the title and paper of a method, how it starts, and what an update does."""
    start = "dense layers, all links" if row.is_dense else f"starts as {_describe_generator(row)}"
    if row.decays:
        surplus = DENSITY_SCHEDULES[row.density_schedule].surplus
        high = f"density + {surplus}" if row.start_density is None else row.start_density
        start += f", density falls from {high} ({row.density_schedule}) by {row.pruning}"
    lines = [f"{row.title}: {row.paper}", start]
    if row.backward_ratio is not None:
        lines.append(f"re-selects its links among all cells by {row.pruning}")
        lines.append(
            f"trains {row.backward_ratio:g} times as many cells, exploration penalty {row.exploration_penalty:g}"
        )
    if row.removal is not None:
        zeta = "down to the final density" if row.zeta is None else f"zeta {row.zeta:g} ({row.zeta_schedule})"
        if row.tests:
            zeta = f"l1 {row.l1:g}, noise {row.noise:g}" if row.has_signs else "as many as fail the test"
        flags = [words for words, holds in (("percolation", row.percolation), ("early stop", row.early_stop)) if holds]
        flags += [f"every {row.interval} steps" if row.interval > 1 else "at every step"] if row.interval else []
        flags += ["regrown links have their last value"] if row.regrown == HISTORY else []
        flags += [f"until {row.stop_fraction:.0%} of the training"] if row.stop_fraction < 1 else []
        lines.append(", ".join((f"removes by {row.removal}, regrows by {row.regrowth}", zeta, *flags)))
    if row.constant_fan_in:
        lines.append("keeps fan-ins equal")
        if row.ablation is not None:
            lines[-1] += f", ablates neurons with fewer salient inputs than {row.ablation:.0%} of their fan-in"
    return "\n".join(lines)


def _describe_generator(row: Method) -> str | None:
    if row.generator is None:
        return None
    params = ", ".join(f"{word}={value:g}" for word, value in row.generator_params.items())
    words = f"{row.generator}({params})" if params else row.generator
    return words if row.input_generator is None else f"{row.input_generator}, then {words}"
