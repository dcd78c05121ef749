"""Convert graphs from and to pandas DataFrames. These functions are methods of `BipartiteGraph`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph.checks import pairs_of

if TYPE_CHECKING:
    import pandas as pd

    from topolearn.graph.bipartite.graph import BipartiteGraph


def to_frame(graph: BipartiteGraph) -> pd.DataFrame:
    """Return a table of the links, in the order of `edges`, with names if the graph has any.

    Sizes and names are in ``frame.attrs``, so that `from_frame` restores the same graph.

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
    """Make a graph from the integer columns ``input`` and ``output`` of a table, with one row for each link.

    Sizes and names that are not passed are taken from ``frame.attrs``, where `to_frame` puts them.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When `frame` is not a DataFrame, a column is missing, a size is neither passed nor in ``frame.attrs``, or a row
        is out of range or repeated.

    Examples
    --------
    >>> import pandas as pd
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph.from_frame(pd.DataFrame({"input": [0, 2], "output": [1, 1]}), n_in=3, n_out=2).n_links
    2
    """
    check_frame(frame)
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
    return cls.from_edges(rows_of_frame(frame[["input", "output"]]), **known)


def from_pairs(cls: type[BipartiteGraph], pairs: Iterable[tuple[str, str]]) -> BipartiteGraph:
    """Make a graph from the names of linked neurons, input first; repeated pairs are one link.

    Neurons are in order of first appearance; the same name may be on both sides.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When there is no pair, or an entry is not a pair of names; a string is none.

    Examples
    --------
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph.from_pairs([("aspirin", "COX-1"), ("aspirin", "COX-2"), ("celecoxib", "COX-2")]).fan_in
    array([1, 2])
    """
    given = pairs_of(pairs, "input, output")
    if not given:
        raise InvalidValueError("there are no pairs: a graph needs at least one link")
    inputs, outputs = (list(dict.fromkeys(side)) for side in zip(*given, strict=True))
    place = [{name: i for i, name in enumerate(side)} for side in (inputs, outputs)]
    edges = sorted({(place[0][a], place[1][b]) for a, b in given})
    return cls.from_edges(edges, len(inputs), len(outputs), input_names=inputs, output_names=outputs)


def check_frame(frame: Any) -> None:
    """Raise an error unless the argument is a table.

    Raises
    ------
    InvalidTypeError
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise InvalidTypeError(f"frame is a {type(frame).__name__}: pass a pandas DataFrame")


def rows_of_frame(ends: pd.DataFrame) -> NDArray[Any]:
    """Return the two columns of numbers that hold the ends of links as rows; pandas' own integers become numpy's.

    Raises
    ------
    InvalidValueError
        When a row lacks an end.
    """
    lacking = ends.isna().any(axis=1).to_numpy()
    if lacking.any():
        row = int(lacking.argmax())
        raise InvalidValueError(
            f"row {row} of the table is {ends.iloc[row].tolist()}: remove rows without both ends, with frame.dropna()"
        )
    own = {name: dtype.numpy_dtype for name, dtype in ends.dtypes.items() if hasattr(dtype, "numpy_dtype")}
    return ends.astype(own).to_numpy()


def describe(graph: BipartiteGraph) -> dict[str, Any]:
    """Return the sizes and names of a graph, ready for JSON."""
    return {
        "n_in": graph.n_in,
        "n_out": graph.n_out,
        "input_names": graph.input_names and list(graph.input_names),
        "output_names": graph.output_names and list(graph.output_names),
    }
