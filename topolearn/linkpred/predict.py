"""The likeliest missing links as a table, with the names of their ends."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import torch

from topolearn.graph import Graph
from topolearn.graph.door import reject_unclear
from topolearn.linkpred.catalogue import find
from topolearn.linkpred.draw import Draw
from topolearn.linkpred.scoring import Scorable, known
from topolearn.linkpred.select import Computation, choose_cells

if TYPE_CHECKING:
    import pandas as pd


def predict(
    graph: Scorable,
    predictor: str = "ch3_l3p",
    k: int = 20,
    *,
    soft: bool = False,
    seed: int | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Return the k likeliest missing links of a graph, best first.

    Parameters
    ----------
    graph : BipartiteGraph, scipy or numpy matrix, torch tensor, or networkx or igraph graph
        The links, as for `topolearn.linkpred.score`.
    predictor, k, soft, seed, progress
        As for `topolearn.linkpred.select`.

    Returns
    -------
    pandas.DataFrame
        One row for each link: ``input`` and ``output``, or ``node`` and ``other`` for a one-mode graph, by name if the
        graph has names, else by number; and its ``score``, 0 for links drawn at random because too few had a score.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        As for `topolearn.linkpred.select`.

    Examples
    --------
    >>> import networkx as nx
    >>> predict(nx.davis_southern_women_graph(), k=2, seed=0)
                  input output     score
    0      Nora Fayette     E8  26.047951
    1  Evelyn Jefferson     E7  20.679310
    """
    import pandas as pd

    reject_unclear(graph)
    read = known(graph)
    draw = Draw.by_seed(k, seed, soft=soft)
    cells, scores = choose_cells(read, find(predictor), draw, Computation(progress=progress))
    order = torch.argsort(scores, descending=True, stable=True)
    picked, columns = cells[order].numpy(), {}
    if isinstance(read, Graph):
        for name, side in zip(("node", "other"), read.edges(picked).T, strict=True):
            columns[name] = side.tolist() if read.names is None else [read.names[i] for i in side]
    else:
        sides_of = {"input": picked % read.n_in, "output": picked // read.n_in}
        for name, side in sides_of.items():
            labels: Sequence[Hashable] | None = getattr(read, f"{name}_names")
            columns[name] = side.tolist() if labels is None else [labels[i] for i in side]
    return pd.DataFrame({**columns, "score": scores[order].numpy()})
