"""Read the .csv tables that graphs save, which declare their sizes and names."""

from __future__ import annotations

import tempfile
from pathlib import Path

from topolearn.graph.bipartite.graph import BipartiteGraph
from topolearn.graph.one_mode.graph import Graph
from topolearn.graph.reading.content import Options
from topolearn.graph.reading.source import Source
from topolearn.graph.reading.text import Text


def read_csv(data: bytes, text: Text | None, options: Options) -> BipartiteGraph | Graph:
    """Return the graph in a .csv file written by `BipartiteGraph.save` or `Graph.save`."""
    content = data if text is None else text.whole
    kind = Graph if content.split(b"\n", 2)[1].startswith(b"node") else BipartiteGraph
    sides = 1 if kind is Graph else 2
    if options.sides not in (None, sides):
        options.ask(f"was saved from a {kind.__name__}: leave out sides={options.sides}")
    with tempfile.TemporaryDirectory() as folder:  # the original may be compressed
        path = Path(folder, "graph.csv")
        path.write_bytes(content)
        graph = kind.load(path)
    source = Source(
        path=options.path,
        format="saved by topolearn",
        sides=sides,
        n_nodes=(graph.n_nodes,) if isinstance(graph, Graph) else (graph.n_in, graph.n_out),
        n_links=graph.n_links,
        n_isolated=int((graph.degrees == 0).sum()),
        header="sizes and names",
    )
    return graph.with_source(source)
