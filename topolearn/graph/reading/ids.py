"""Which node an integer id of a file is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topolearn.graph.reading.content import MOST_UNLINKED, Options, check_size


@dataclass(frozen=True)
class Nodes:
    """All nodes of a kind: what they are called, the place of each value of a column among them, and what was said."""

    names: NDArray[np.int64] | list[str]
    place: NDArray[np.int64]
    decided: str | None = None


def place_ids(values: NDArray[np.int64], declared: int | None, first_id: int | None, options: Options) -> Nodes:
    """Return the nodes that sorted distinct ids stand for.

    With ``index_base``, or where a file counts its nodes and ids fit the count, ids are numbers of nodes, some of which
    may have no link. Else they are names, and nodes that the file counts and does not name are called
    ``(unnamed 1)``, ...

    Raises
    ------
    InvalidValueError, CorruptFileError
        When an id is below the base, or there are more ids than the file says there are nodes.
    """
    low, high = (int(values[0]), int(values[-1])) if values.size else (0, -1)
    base = options.index_base
    if base is not None and low < base:
        options.ask(f"has the id {low}, below index_base={base}: pass index_base={low}, or leave it out to keep names")
    if declared is not None and values.size > declared:
        options.refuse(_more(int(values.size), declared))
    if declared is not None:
        check_size(declared, int(values.size), f"{declared:,} nodes by its header", options)
    if base is None and declared is not None:
        candidates = (first_id,) if first_id is not None else (0, 1)
        base = next((start for start in candidates if low >= start and high < start + declared), None)
    if base is None:
        said = f"ids {low}..{high} are names" if values.size and (low or high != values.size - 1) else None
        return name_nodes(values, declared, options, said)
    n = high - base + 1 if declared is None else declared
    if high - base >= n:
        options.refuse(
            f"has the id {high}, and its header says {n} nodes: pass counts='ignore', or correct index_base={base}"
        )
    if n - values.size > MOST_UNLINKED:
        options.ask(
            f"has ids to {high}, and index_base={base} makes nodes of all below, {n - values.size:,} without a link: "
            "leave index_base out, so that ids are names"
        )
    return Nodes(np.arange(base, base + n, dtype=np.int64), values - base, f"ids from {base}")


def name_nodes(
    values: NDArray[np.int64] | list[str], declared: int | None, options: Options, decided: str | None = None
) -> Nodes:
    """Return the nodes that names stand for, and those that a file counts and does not name."""
    n = len(values)
    if declared is not None and n > declared:
        options.refuse(_more(n, declared))
    if declared is not None:
        check_size(declared, n, f"{declared:,} nodes by its header", options)
    names: NDArray[np.int64] | list[str] = values
    if declared is not None and n < declared:
        names = [*map(str, values), *(f"(unnamed {i})" for i in range(1, declared - n + 1))]
    return Nodes(names, np.arange(n, dtype=np.int64), decided)


def _more(n: int, declared: int) -> str:
    return f"names {n:,} nodes, and its header says {declared:,}: correct it, or pass counts='ignore'"
