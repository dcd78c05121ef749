"""The components and defaults of a method, read from the registry."""

from dataclasses import fields

import pandas as pd

import topolearn as tl
from topolearn.evolution import Method

ALWAYS = ("density", "generator")
OF_EVOLUTION = ("zeta", "zeta_schedule", "percolation", "regrown")
IN_THE_TEXT = ("name", "title", "paper")


def defaults(name: str) -> pd.DataFrame:
    """Return the fields that define a method: those that differ from `Method`'s defaults, and the usual ones."""
    method = tl.method(name)
    usual = ALWAYS + (OF_EVOLUTION if method.removal is not None else ())
    if "-soft" in f"{method.removal} {method.regrowth}":
        usual += ("softness", "softness_schedule")
    blank = {field.name: field.default for field in fields(Method)}
    shown = {
        f"`{field}`": f"`{getattr(method, field)!r}`"
        for field, default in blank.items()
        if field not in IN_THE_TEXT and (field in usual or getattr(method, field) not in (default, {}))
    }
    return pd.DataFrame({"default": shown}).rename_axis(f'field of `tl.method("{name}")`')
