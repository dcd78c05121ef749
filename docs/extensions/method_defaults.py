"""The directive ``method-defaults NAME``: a method's components and defaults, read from the registry."""

from dataclasses import fields
from typing import ClassVar

import pandas as pd
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import topolearn as tl
from topolearn.evolution import Method
from topolearn.studies import to_markdown

ALWAYS = ("density", "generator")
OF_EVOLUTION = ("zeta", "zeta_schedule", "softness", "percolation", "regrown")
IN_THE_TEXT = ("name", "title", "paper")


def defaults(name: str) -> pd.DataFrame:
    """Return the fields that define a method: those that differ from `Method`'s defaults, and the usual ones."""
    method = tl.method(name)
    usual = ALWAYS + (OF_EVOLUTION if method.removal is not None else ())
    blank = {field.name: field.default for field in fields(Method)}
    shown = {
        f"`{field}`": f"`{getattr(method, field)!r}`"
        for field, default in blank.items()
        if field not in IN_THE_TEXT and (field in usual or getattr(method, field) not in (default, {}))
    }
    return pd.DataFrame({"default": shown}).rename_axis(f'field of `tl.method("{name}")`')


class MethodDefaults(SphinxDirective):
    """Writes the table of one method."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes(to_markdown(defaults(self.arguments[0])))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("method-defaults", MethodDefaults)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
