"""The tables that `BipartiteGraph.save` writes, which say more than other tables do."""

from __future__ import annotations

import tempfile
from pathlib import Path

from topolearn.graph.bipartite import BipartiteGraph
from topolearn.graph.reading.content import Options
from topolearn.graph.reading.source import Source
from topolearn.graph.reading.text import Text


def read_csv(data: bytes, text: Text | None, options: Options) -> BipartiteGraph:
    """Return the graph in a .csv file that was saved by `BipartiteGraph.save`."""
    if options.sides == 1:
        options.ask("was saved from a BipartiteGraph and has two kinds of nodes: leave sides=1 out")
    with tempfile.TemporaryDirectory() as folder:  # it may have been packed
        path = Path(folder, "graph.csv")
        path.write_bytes(data if text is None else text.whole)
        graph = BipartiteGraph.load(path)
    n_isolated = int((graph.degrees == 0).sum())
    return graph.with_source(
        Source(
            path=options.path, format="saved by topolearn", sides=2, n_nodes=(graph.n_in, graph.n_out),
            n_links=graph.n_links, n_isolated=n_isolated, header="sizes and names",
        )
    )  # fmt: skip
