"""Which neurons a training left without links, when, and what they were linked with until then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topolearn.diagnostics.dynamics import TopologyHistory
from topolearn.diagnostics.link_ages import net_change

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("layer", "side", "neuron", "update", "step", "n_links", "neighbours", "revived")
SIDES = ("input", "output")


def neuron_deaths(history: TopologyHistory) -> pd.DataFrame:
    """Return a row for each time that a neuron of a layer lost its last link.

    An output neuron without links is fed by nobody, and an input neuron without links is read by nobody; in a chain of
    layers the same hidden neuron is an output of one layer and an input of the next. Neurons without links at the start
    never died.

    Parameters
    ----------
    history : History, or anything with ``initial`` that yields updates
        Such as ``run.history``.

    Returns
    -------
    DataFrame
        In order of time: ``layer``, ``side`` ("input" or "output"), ``neuron``, ``update`` (its number, from 1),
        ``step`` (where the history knows it), ``n_links`` that this update took from it, its ``neighbours`` at their
        other ends (a tuple), and the update at which it was ``revived`` (missing when it stayed dead).

    Examples
    --------
    >>> deaths = neuron_deaths(run.history)
    >>> deaths.groupby(["layer", "side"])["neuron"].nunique()  # doctest: +SKIP
    """
    import pandas as pd

    steps = [*getattr(history, "steps", [])][1:]
    degrees = {
        name: {"input": graph.fan_out.copy(), "output": graph.fan_in.copy()} for name, graph in history.initial.items()
    }
    sizes = {name: graph.n_in for name, graph in history.initial.items()}
    rows: list[dict[str, Any]] = []
    open_deaths: dict[tuple[str, str, int], dict[str, Any]] = {}
    for number, update in enumerate(history, start=1):
        for layer, events in update.items():
            lost, grown = (_ends(cells, sizes[layer]) for cells in net_change(events))
            for side, other in (SIDES, SIDES[::-1]):
                before = degrees[layer][side]
                after = _changed(before, lost[side], grown[side])
                for neuron in np.flatnonzero((before == 0) & (after > 0)).tolist():
                    if death := open_deaths.pop((layer, side, neuron), None):
                        death["revived"] = number
                died = np.flatnonzero((before > 0) & (after == 0))
                for neuron, neighbours in _neighbours(died, lost[side], lost[other]):
                    row = dict.fromkeys(COLUMNS) | {
                        "layer": layer, "side": side, "neuron": neuron, "update": number,
                        "n_links": len(neighbours), "neighbours": neighbours,
                    }  # fmt: skip
                    row["step"] = steps[number - 1] if number <= len(steps) else None
                    rows.append(row)
                    open_deaths[layer, side, neuron] = row
                degrees[layer][side] = after
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"step": "Int64", "revived": "Int64"})


def _ends(cells: NDArray[np.int64], n_in: int) -> dict[str, NDArray[np.int64]]:
    """Return the input and the output neuron of each cell."""
    return {"input": cells % n_in, "output": cells // n_in}


def _changed(degrees: NDArray[np.int64], lost: NDArray[np.int64], grown: NDArray[np.int64]) -> NDArray[np.int64]:
    size = degrees.size
    return degrees - np.bincount(lost, minlength=size) + np.bincount(grown, minlength=size)


def _neighbours(
    died: NDArray[np.int64], lost: NDArray[np.int64], others: NDArray[np.int64]
) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield each neuron that died, and those at the other ends of the links that it lost."""
    for neuron in died.tolist():
        yield neuron, tuple(np.sort(others[lost == neuron]).tolist())
