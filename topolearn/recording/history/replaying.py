"""The links of a layer after an update: what is lost must be there, and what grows must not."""

from typing import Any

import numpy as np

from topolearn.evolution import EVENTS, LayerUpdate
from topolearn.graph import BipartiteGraph

GAINS = {event: 1 if event == "regrown" else -1 for event in EVENTS}


def after(name: str, graph: BipartiteGraph, update: LayerUpdate) -> BipartiteGraph:
    """Return the graph that an update of a layer makes of another.

    Raises
    ------
    ValueError
        When it takes away a link that is not there, or twice, or adds one that is there.

    Examples
    --------
    >>> none, graph = np.empty(0, np.int64), BipartiteGraph.from_cells([1, 4], n_in=3, n_out=2)
    >>> events = {"decayed": none, "removed": np.array([4]), "percolated": none, "regrown": np.array([0])}
    >>> after("fc", graph, LayerUpdate((2, 3), events)).cells.tolist()
    [0, 1]
    >>> after("fc", graph, LayerUpdate((2, 3), {**events, "removed": np.array([5])}))
    Traceback (most recent call last):
    ValueError: removes link 5 of layer 'fc', which is not there
    """
    lost, grown = update.lost, update.cells["regrown"]
    if not lost.size and not grown.size:
        return graph
    before = graph.cells
    cells = np.setdiff1d(before, lost, assume_unique=True)
    if cells.size != before.size - lost.size:
        false = np.concatenate([lost[1:][np.diff(lost) == 0], np.setdiff1d(lost, before)])
        raise ValueError(f"removes link {false[0]} of layer {name!r}, which is not there")
    # Two sorted lists, nearly: a stable sort merges them, where a union would hash them all.
    cells = np.sort(np.concatenate((cells, grown)), kind="stable")
    return BipartiteGraph.from_cells(cells, graph.n_in, graph.n_out)  # which refuses a cell that is there twice


def check_sums(name: str, table: Any, n_links: int, n_cells: int) -> None:
    """Refuse numbers of events that do not go on from the links of a layer at the start.

    Parameters
    ----------
    name : str
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
    ValueError: update 1 leaves layer 'fc' with -1 links of 9
    """
    left = n_links + np.cumsum(sum(gain * table[event].to_numpy() for event, gain in GAINS.items()))
    false = np.flatnonzero((left < 0) | (left > n_cells))
    if false.size:
        index = table["index"].iloc[false[0]]
        raise ValueError(f"update {index} leaves layer {name!r} with {left[false[0]]} links of {n_cells}")
