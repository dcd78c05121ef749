"""Measures of graphs as text and as JSON."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from topolearn.terminal import visible

if TYPE_CHECKING:
    import pandas as pd

Measures = Mapping[str, Mapping[str, float]]  # the name of a graph, and its measures by name


def by_graph(measures: Measures) -> str:
    """Return a table as text, with a row for each measure and a column for each graph."""
    import pandas as pd

    rows = list(dict.fromkeys(name for values in measures.values() for name in values))
    text = {visible(graph): [_number(values.get(row)) for row in rows] for graph, values in measures.items()}
    return str(pd.DataFrame(text, index=pd.Index(rows)).to_string())


def by_measure(measures: Measures) -> str:
    """Return a table as text, with a row for each graph and a column for each measure.

    Examples
    --------
    >>> print(by_measure({"fc1": {"n_links": 12, "density": 0.5}, "all": {"n_links": 1200}}))
        n_links density
    fc1      12     0.5
    all   1,200
    """
    import pandas as pd

    columns = list(dict.fromkeys(name for values in measures.values() for name in values))
    text = {name: [_number(values.get(name)) for values in measures.values()] for name in columns}
    lines = pd.DataFrame(text, index=pd.Index(list(map(visible, measures)))).to_string().split("\n")
    return "\n".join(line.rstrip() for line in lines)


def in_columns(table: "pd.DataFrame", *, index: bool = False, justify: Literal["left", "right"] = "right") -> str:
    r"""Return a table as text, in which no cell can break a line.

    Examples
    --------
    >>> import pandas as pd
    >>> print(in_columns(pd.DataFrame({"run": ["a\nb"], "n": [1]})))
     run  n
    a\nb  1
    """
    shown = table.rename(index=visible if index else None, columns=visible)
    plainly = shown.map(lambda cell: visible(cell) if isinstance(cell, str) else cell)
    return str(plainly.to_string(index=index, justify=justify))


def plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers for JSON, with None for NaN and infinity."""
    return {name: (value if isinstance(value, int) else float(value)) if math.isfinite(value) else None
            for name, value in values.items()}  # fmt: skip


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    from topolearn.diagnostics.exponent import Exponent

    is_refuted = isinstance(value, Exponent) and value.fit.is_plausible is False
    return "-" if math.isnan(value) else f"{float(value):.5g}" + " (no power law)" * is_refuted
