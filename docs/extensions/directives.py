"""The directives of these pages, which compute what they show when the site is built.

``results-table NAME [ARGUMENTS]`` writes a table of `results.TABLES`; arguments are separated as in a shell, and those
of the form ``name=value`` are keywords. ``method-defaults NAME`` writes the defaults of a method, and ``rooms-diagram
FILE`` draws which package imports which.
"""

import shlex
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs.extensions import method_defaults, results, rooms_diagram
from topolearn.studies import to_markdown


class ResultsTable(SphinxDirective):
    """Writes one table of results."""

    required_arguments: ClassVar[int] = 1
    final_argument_whitespace: ClassVar[bool] = True
    option_spec: ClassVar[dict] = {"digits": directives.nonnegative_int}

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        name, *arguments = shlex.split(self.arguments[0])
        keywords = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
        for file in sorted(results.FIGURES.glob("*.csv")):
            self.env.note_dependency(file)
        table = results.TABLES[name](*(each for each in arguments if "=" not in each), **keywords)
        return self.parse_text_to_nodes(to_markdown(table, digits=self.options.get("digits", results.DIGITS)))


class MethodDefaults(SphinxDirective):
    """Writes the defaults of one method."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes(to_markdown(method_defaults.defaults(self.arguments[0])))


class RoomsDiagram(SphinxDirective):
    """Draws the packages and their imports."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the picture, which is part of the page."""
        relative, absolute = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        picture = rooms_diagram.svg(rooms_diagram.imports_of(Path(absolute)))
        return [nodes.raw("", picture, format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("results-table", ResultsTable)
    app.add_directive("method-defaults", MethodDefaults)
    app.add_directive("rooms-diagram", RoomsDiagram)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
