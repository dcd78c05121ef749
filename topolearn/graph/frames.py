"""Tables in and out: pandas. `BipartiteGraph` has these functions as its methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from topolearn.errors import InvalidValueError

if TYPE_CHECKING:
    import pandas as pd

    from topolearn.graph.bipartite import BipartiteGraph


def to_frame(graph: BipartiteGraph) -> pd.DataFrame:
    """Return a table of the links, sorted as `edges`, with names where there are any.

    Sizes and names are in ``frame.attrs``, so that `from_frame` gives the same graph back.

    Examples
    --------
    >>> import numpy as np
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph(np.eye(2), output_names=["no", "yes"]).to_frame()
       input  output output_name
    0      0       0          no
    1      1       1         yes
    """
    import pandas as pd

    frame = pd.DataFrame(graph.edges(), columns=["input", "output"])
    for side, names in (("input", graph.input_names), ("output", graph.output_names)):
        if names is not None:
            frame[f"{side}_name"] = [names[i] for i in frame[side]]
    frame.attrs.update(describe(graph))
    return frame


def from_frame(
    cls: type[BipartiteGraph],
    frame: pd.DataFrame,
    n_in: int | None = None,
    n_out: int | None = None,
    *,
    input_names: Iterable[str] | None = None,
    output_names: Iterable[str] | None = None,
) -> BipartiteGraph:
    """Make a graph from the integer columns ``input`` and ``output`` of a table, one row for each link.

    Sizes and names that are not passed come from ``frame.attrs``, where `to_frame` leaves them.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When a column is missing, a size is neither passed nor in ``frame.attrs``, or a row does not fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph.from_frame(pd.DataFrame({"input": [0, 2], "output": [1, 1]}), n_in=3, n_out=2).n_links
    2
    """
    passed = {
        "n_in": n_in,
        "n_out": n_out,
        "input_names": input_names,
        "output_names": output_names,
    }
    known: dict[str, Any] = {key: frame.attrs.get(key) if value is None else value for key, value in passed.items()}
    for column in ("input", "output"):
        if column not in frame:
            raise InvalidValueError(
                f"column {column!r} is not in {list(frame.columns)}: rename it with frame.rename(columns=...)"
            )
    for key in ("n_in", "n_out"):
        if known[key] is None:
            raise InvalidValueError(f"{key} is not in frame.attrs: pass from_frame(frame, n_in=, n_out=)")
    return cls.from_edges(frame[["input", "output"]].to_numpy(), **known)


def describe(graph: BipartiteGraph) -> dict[str, Any]:
    """Return the sizes and names of a graph, ready for JSON: what its edges do not say."""
    return {
        "n_in": graph.n_in,
        "n_out": graph.n_out,
        "input_names": graph.input_names and list(graph.input_names),
        "output_names": graph.output_names and list(graph.output_names),
    }
