"""Map the ids in a file to nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topolearn.graph.reading.content import MOST_UNLINKED, Options, check_size


@dataclass(frozen=True)
class Nodes:
    """All nodes of one kind: their names, the node of each value of a column, and how ids were interpreted."""

    names: NDArray[np.int64] | list[str]
    place: NDArray[np.int64]
    decided: str | None = None


def place_ids(values: NDArray[np.int64], declared: int | None, first_id: int | None, options: Options) -> Nodes:
    """Return the nodes that sorted distinct ids stand for.

    With ``index_base``, or if the file declares its number of nodes and the ids fit it, ids number the nodes, some of
    which may have no link. Otherwise ids are names; nodes that the file declares but does not name are called
    ``(unnamed 1)``, ...

    Raises
    ------
    InvalidValueError, CorruptFileError
        When an id is below the base, or there are more ids than declared nodes.
    """
    low, high = (int(values[0]), int(values[-1])) if values.size else (0, -1)
    base = options.index_base
    if base is not None and low < base:
        other = "pass index_base=0, or " if low == 0 else ""
        options.ask(
            f"has the id {low}, below index_base={base}: {other}leave out index_base={base} to use ids as names"
        )
    if declared is not None and values.size > declared:
        options.reject(_more(int(values.size), declared))
    if declared is not None:
        check_size(declared, int(values.size), *_by_header(declared), options)
    if base is None and declared is not None:
        candidates = (first_id,) if first_id is not None else (0, 1)
        base = next((start for start in candidates if low >= start and high < start + declared), None)
    if base is None:
        said = f"ids {low}..{high} are names" if values.size and (low or high != values.size - 1) else None
        return name_nodes(values, declared, options, said)
    n = high - base + 1 if declared is None else declared
    if high - base >= n:
        options.reject(
            f"has the id {high}, but its header says {n:,} nodes: correct index_base={base}, or pass counts='ignore'"
        )
    if n - values.size > MOST_UNLINKED:
        options.ask(
            f"has ids up to {high}, and index_base={base} makes a node of every number below, {n - values.size:,} of "
            f"them without a link: leave out index_base={base} to use ids as names"
        )
    return Nodes(np.arange(base, base + n, dtype=np.int64), values - base, f"ids from {base}")


def name_nodes(
    values: NDArray[np.int64] | list[str], declared: int | None, options: Options, decided: str | None = None
) -> Nodes:
    """Return the nodes that names stand for, and those that the file declares but does not name."""
    n = len(values)
    if declared is not None and n > declared:
        options.reject(_more(n, declared))
    if declared is not None:
        check_size(declared, n, *_by_header(declared), options)
    names: NDArray[np.int64] | list[str] = values
    if declared is not None and n < declared:
        names = [*map(str, values), *(f"(unnamed {i})" for i in range(1, declared - n + 1))]
    return Nodes(names, np.arange(n, dtype=np.int64), decided)


def _more(n: int, declared: int) -> str:
    return f"has {n:,} nodes, but its header says {declared:,}: correct the header, or pass counts='ignore'"


def _by_header(declared: int) -> tuple[str, str]:
    return f"{declared:,} nodes according to its header", "correct the header, or pass counts='ignore'"
