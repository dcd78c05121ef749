"""How long links live: the ages of current links, and the survival curve of all links."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topolearn.checks import check_size
from topolearn.diagnostics.dynamics import LayerEvents, TopologyHistory
from topolearn.errors import UndefinedMeasureError, UnknownNameError
from topolearn.registry import suggest

if TYPE_CHECKING:
    import pandas as pd

LOSSES = ("decayed", "removed", "percolated")


@dataclass(frozen=True)
class Lifetimes:
    """The lives of all links of a layer, measured in updates; a link that returns later starts a new life.

    Attributes
    ----------
    cells : array of int64, shape (n,)
        The cell of each life's link, output * n_in + input.
    born, age : arrays of int64, shape (n,)
        The update that created it (0: the start), and the number of updates that it survived.
    alive : array of bool, shape (n,)
        Whether it still exists.
    n_in : int
        Number of inputs of the layer.
    """

    cells: NDArray[np.int64]
    born: NDArray[np.int64]
    age: NDArray[np.int64]
    alive: NDArray[np.bool_]
    n_in: int


def lifetimes(history: TopologyHistory, layer: str) -> Lifetimes:
    """Return the lives of the links of a layer.

    A link that is removed and regrown in one update stays alive: it keeps its weight.

    Parameters
    ----------
    history : History, or anything with ``initial`` that yields updates
        Such as ``run.history``.
    layer : str

    Raises
    ------
    UnknownNameError
        When there is no such layer.
    """
    initial = history.initial
    if layer not in initial:
        raise UnknownNameError(f"there is no sparse layer {layer!r}: {suggest(layer, list(initial))}")
    n_in = initial[layer].n_in
    cells, born = initial[layer].cells, np.zeros(initial[layer].n_links, dtype=np.int64)
    ended: list[tuple[NDArray[np.int64], ...]] = []
    n_updates = 0
    for update in history:
        if layer not in update:  # for example, an update of another scheduler
            continue
        n_updates += 1
        lost, gained = net_change(update[layer])
        gone = np.isin(cells, lost, assume_unique=True)
        ended.append((cells[gone], born[gone], n_updates - 1 - born[gone]))
        cells = np.concatenate([cells[~gone], gained])
        born = np.concatenate([born[~gone], np.full(gained.size, n_updates)])
    ended.append((cells, born, n_updates - born))
    alive = np.arange(sum(lives[0].size for lives in ended)) >= sum(lives[0].size for lives in ended[:-1])
    all_cells, all_born, age = (np.concatenate([lives[i] for lives in ended]) for i in range(3))
    return Lifetimes(all_cells, all_born, age, alive, n_in)


def net_change(events: LayerEvents) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells that an update emptied, and those that it filled, without links that it removed and regrew."""
    lost = np.concatenate([events.cells[event] for event in LOSSES])
    grown = events.cells["regrown"]
    return np.setdiff1d(lost, grown), np.setdiff1d(grown, lost)


def link_ages(history: TopologyHistory, layer: str) -> NDArray[np.int64]:
    """Return the ages of the current links, in updates survived, in the order of their cells.

    Parameters
    ----------
    history : History, or anything with ``initial`` that yields updates
    layer : str

    Raises
    ------
    UnknownNameError
        When there is no such layer.

    Examples
    --------
    ``link_ages(run.history, "hidden1").mean()``
    """
    lives = lifetimes(history, layer)
    return lives.age[lives.alive][np.argsort(lives.cells[lives.alive])]


def oldest_links(history: TopologyHistory, layer: str, k: int = 20) -> pd.DataFrame:
    """Return the oldest current links and the neurons at their ends.

    Parameters
    ----------
    history : History, or anything with ``initial`` that yields updates
    layer : str
    k : int
        The maximum number of links; those of the same age are in the order of their cells.

    Returns
    -------
    DataFrame
        Columns ``input``, ``output``, ``age`` (updates survived) and ``born`` (the update; 0 is the start).

    Raises
    ------
    UnknownNameError
        When there is no such layer.
    InvalidTypeError, InvalidValueError
        When ``k`` is not a whole number of at least 1.

    Examples
    --------
    >>> oldest_links(run.history, "hidden1", k=3)["born"].tolist()
    [0, 0, 0]
    """
    import pandas as pd

    k, lives = check_size("k", k), lifetimes(history, layer)
    cells, age, born = (each[lives.alive] for each in (lives.cells, lives.age, lives.born))
    oldest = np.lexsort((cells, -age))[:k]
    ends = {"input": cells[oldest] % lives.n_in, "output": cells[oldest] // lives.n_in}
    return pd.DataFrame(ends | {"age": age[oldest], "born": born[oldest]})


def survival(history: TopologyHistory, layer: str) -> pd.DataFrame:
    r"""Return the share of links that survive each number of updates, as estimated by Kaplan and Meier.

    .. math:: S(a) = \prod_{k \le a} \left(1 - \frac{d_k}{n_k}\right)

    with :math:`d_k` the number of links lost in the k-th update of their life, out of :math:`n_k` that lived until
    then. Links that still exist count up to their current age.

    Parameters
    ----------
    history : History, or anything with ``initial`` that yields updates
    layer : str

    Returns
    -------
    DataFrame
        Columns ``age`` (in updates survived, from 0), ``survival``, ``low`` and ``high`` (95 % interval).

    Raises
    ------
    UnknownNameError
        When there is no such layer.
    UndefinedMeasureError
        Before the first update.

    References
    ----------
    Kaplan, Meier (1958), "Nonparametric estimation from incomplete observations", JASA 53.

    Examples
    --------
    ``survival(run.history, "hidden1").plot("age", "survival")``
    """
    import pandas as pd
    from scipy import stats  # takes half a second, so not at import time

    lives = lifetimes(history, layer)
    if not lives.age.any() and lives.alive.all():
        raise UndefinedMeasureError("links have no survival curve before the first topology update")
    age = lives.age.astype(np.float64)
    times = stats.CensoredData(uncensored=age[~lives.alive] + 1, right=age[lives.alive])  # lost in the next update
    curve: Any = stats.ecdf(times).sf
    last = int(lives.age.max())
    ages = np.arange(last + 1)
    table = pd.DataFrame({"age": ages, "survival": curve.evaluate(ages)})
    with warnings.catch_warnings():  # scipy warns that there is no interval where nothing survives
        warnings.simplefilter("ignore", RuntimeWarning)
        bounds = curve.confidence_interval(0.95)
    return table.assign(low=np.nan_to_num(bounds.low.evaluate(ages)), high=np.nan_to_num(bounds.high.evaluate(ages)))
