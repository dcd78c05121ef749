"""The directive ``results-table NAME [ARGUMENTS]``: a table of `results.TABLES`, computed when the site is built.

Arguments are separated as in a shell; those of the form ``name=value`` are keywords."""

import shlex
from typing import ClassVar

import results
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from topolearn.studies import to_markdown


class ResultsTable(SphinxDirective):
    """Writes one table, and says in which file its numbers are."""

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


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("results-table", ResultsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
