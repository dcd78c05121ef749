"""The links of a layer after an update; removed links must exist, and regrown ones must not."""

from typing import Any

import numpy as np

from topolearn.evolution import EVENTS, LayerUpdate
from topolearn.graph import BipartiteGraph

GAINS = {event: 1 if event == "regrown" else -1 for event in EVENTS}


def after(name: str, graph: BipartiteGraph, update: LayerUpdate) -> BipartiteGraph:
    """Return the graph of a layer after an update.

    Raises
    ------
    ValueError
        When the update removes a link that does not exist, or removes one twice, or adds an existing link.

    Examples
    --------
    >>> none, graph = np.empty(0, np.int64), BipartiteGraph.from_cells([1, 4], n_in=3, n_out=2)
    >>> events = {"decayed": none, "removed": np.array([4]), "percolated": none, "regrown": np.array([0])}
    >>> after("fc", graph, LayerUpdate((2, 3), events)).cells.tolist()
    [0, 1]
    >>> after("fc", graph, LayerUpdate((2, 3), {**events, "removed": np.array([5])}))
    Traceback (most recent call last):
    ValueError: it removes link 5 of layer 'fc', which does not exist
    """
    lost, grown = update.lost, update.cells["regrown"]
    if not lost.size and not grown.size:
        return graph
    before = graph.cells
    cells = np.setdiff1d(before, lost, assume_unique=True)
    if cells.size != before.size - lost.size:
        wrong = np.concatenate([lost[1:][np.diff(lost) == 0], np.setdiff1d(lost, before)])
        raise ValueError(f"it removes link {wrong[0]} of layer {name!r}, which does not exist")
    # A stable sort merges two sorted arrays, which is faster than np.union1d.
    cells = np.sort(np.concatenate((cells, grown)), kind="stable")
    return BipartiteGraph.from_cells(cells, graph.n_in, graph.n_out)  # raises for duplicate cells


def check_sums(name: str, table: Any, n_links: int, n_cells: int) -> None:
    """Raise if the event counts of a layer lead to a negative or too large number of links.

    Parameters
    ----------
    name : str
        Name of the layer.
    table : DataFrame
        Its updates, in order: ``index`` and a column for each event.
    n_links, n_cells : int
        Links at the start, and possible links.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import pandas as pd
    >>> updates = {"index": [1], "decayed": [0], "removed": [3], "percolated": [0], "regrown": [0]}
    >>> check_sums("fc", pd.DataFrame(updates), 2, 9)
    Traceback (most recent call last):
    ValueError: update 1 leaves layer 'fc' with -1 of 9 possible links
    """
    left = n_links + np.cumsum(sum(gain * table[event].to_numpy() for event, gain in GAINS.items()))
    wrong = np.flatnonzero((left < 0) | (left > n_cells))
    if wrong.size:
        index = table["index"].iloc[wrong[0]]
        raise ValueError(f"update {index} leaves layer {name!r} with {left[wrong[0]]} of {n_cells} possible links")
