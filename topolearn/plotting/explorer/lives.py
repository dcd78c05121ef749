"""The lives of links through all states, and how they are packed into a page."""

import base64
import gzip
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topolearn.graph import BipartiteGraph

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Lives:
    """The lives of the links of a layer, sorted by cell and birth; a link that returns starts a new life.

    Attributes
    ----------
    cells : array of int64, shape (n,)
        The cell of each life's link, output * n_in + input.
    born, died : arrays of int64, shape (n,)
        The first state in which the link exists, and the first state after it in which it does not.
    n_in : int
        Number of inputs of the layer.
    """

    cells: Integers
    born: Integers
    died: Integers
    n_in: int

    def at(self, state: int) -> Integers:
        """Return the sorted cells of the links that exist in a state.

        Examples
        --------
        >>> Lives(np.array([1, 4]), np.array([0, 1]), np.array([1, 2]), 3).at(1)
        array([4])
        """
        return self.cells[(self.born <= state) & (state < self.died)]

    def packed(self) -> dict[str, Any]:
        """Return the data from which the page rebuilds the lives; see `packed`."""
        return packed([np.diff(self.cells, prepend=0), self.born, self.died])


def lives_through(states: Iterable[Mapping[str, BipartiteGraph]], shown: Sequence[int]) -> dict[str, Lives]:
    """Return, for each layer, the lives of the links that exist in at least one shown state.

    Parameters
    ----------
    states : iterable of mappings of str to BipartiteGraph
        The graphs of each state in order, each with the same layers.
    shown : sequence of int
        The indices of the states that will be shown, in order. Births and deaths refer to all states.

    Examples
    --------
    >>> graphs = [BipartiteGraph.from_cells(cells, 3, 2) for cells in ([0, 1], [1, 2], [0, 2])]
    >>> lives = lives_through(({"fc": graph} for graph in graphs), [0, 2])["fc"]
    >>> np.column_stack([lives.cells, lives.born, lives.died]).tolist()
    [[0, 0, 1], [0, 2, 3], [1, 0, 2], [2, 1, 3]]
    """
    alive: dict[str, tuple[BipartiteGraph, Integers, Integers]] = {}
    over: dict[str, list[tuple[Integers, Integers, Integers]]] = {}
    state = 0
    for state, graphs in enumerate(states):
        last_shown = shown[place - 1] if (place := bisect_left(shown, state)) else -1
        for name, graph in graphs.items():
            if name not in alive:
                over[name], alive[name] = [], (graph, graph.cells, np.full(graph.n_links, state))
                continue
            before, cells, born = alive[name]
            if graph is before:
                continue
            now = graph.cells
            stayed, staying = _places_of_common(cells, now)
            ended = born <= last_shown
            ended[stayed] = False
            over[name].append((cells[ended], born[ended], np.full(int(ended.sum()), state)))
            born_now = np.full(now.size, state)
            born_now[staying] = born[stayed]
            alive[name] = graph, now, born_now
    for name, (_, cells, born) in alive.items():
        seen = born <= (shown[-1] if shown else -1)
        over[name].append((cells[seen], born[seen], np.full(int(seen.sum()), state + 1)))
    return {name: _sorted(lives, alive[name][0].n_in) for name, lives in over.items()}


def _places_of_common(cells: Integers, others: Integers) -> tuple[Integers, Integers]:
    """Return the positions of the common cells of two sorted lists in each of them.

    Examples
    --------
    >>> _places_of_common(np.array([1, 4, 7]), np.array([0, 4, 7]))
    (array([1, 2]), array([1, 2]))
    """
    both = np.concatenate([cells, others])
    order = np.argsort(both, kind="stable")  # merges two sorted lists in one pass
    common = np.flatnonzero(both[order][1:] == both[order][:-1])
    return order[common], order[common + 1] - cells.size


def _sorted(lives: Sequence[tuple[Integers, Integers, Integers]], n_in: int) -> Lives:
    cells, born, died = (np.concatenate([each[i] for each in lives]) for i in range(3))
    order = np.lexsort((born, cells))
    return Lives(cells[order], born[order], died[order], n_in)


def packed(columns: Sequence[NDArray[Any]]) -> dict[str, Any]:
    """Pack columns of non-negative integers: the lowest bytes of all numbers of the first, then the next bytes, ...

    Returns
    -------
    dict
        ``n``, the length of the columns; ``widths``, the bytes per number of each; ``bytes``, gzip in base64.

    Examples
    --------
    >>> packed([np.array([1, 2]), np.array([0, 300])])["widths"]
    [1, 2]
    """
    widths = [max(1, -(-int(column.max(initial=0)).bit_length() // 8)) for column in columns]
    planes = [
        column.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()
        for column, width in zip(columns, widths, strict=True)
    ]
    content = gzip.compress(b"".join(planes), compresslevel=6, mtime=0)
    return {"n": len(columns[0]), "widths": widths, "bytes": base64.b64encode(content).decode("ascii")}
