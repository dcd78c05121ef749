"""Seconds of measures compared with networkx and igraph: layers of 1568 x 1568 at 1 %, and 10^5 x 10^5 with 10^6 links.

Run it with ``python -m analysis.benchmarks.diagnostics``; it writes figures/benchmark_diagnostics.csv. Every library
starts from its own graph, created in advance (the rows "the graph itself" give the time for that). All alternate in one
process; medians are reported. The graphs are small worlds (BSW, beta = 0.25). Where all pairs would be too many, all
libraries search from the same number of nodes. What would take a peer too long is measured on some of the nodes and
scaled up; the table gives their number.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import torch
from networkx.algorithms import bipartite
from numpy.typing import NDArray

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn import diagnostics
from topolearn.diagnostics.distances import EXACT, SAMPLE
from topolearn.sampling.igraph_random import igraph_draws_from

FIGURES = Path("figures")
SIZES = {
    "1568": (1568, 24_586),
    "10^5": (10**5, 10**6),
    "small": (60, 300),
}  # neurons per side, links; the last is for tests
KEY = ["neurons a side", "threads", "measure"]
LONG = 5.0  # seconds; anything slower is measured only once
SHORT = 0.05  # seconds; anything faster is repeated until it takes this long
Call = Callable[[], object]


@dataclass(frozen=True)
class Peer:
    """A call of a library, on part of the work: its seconds are multiplied by `times`."""

    call: Call
    times: float = 1.0


@dataclass(frozen=True)
class Graphs:
    """One layer as a graph of each library."""

    own: tl.BipartiteGraph
    networkx: nx.Graph
    igraph: igraph.Graph

    @property
    def n_nodes(self) -> int:
        """Number of neurons, on both sides."""
        return self.own.n_in + self.own.n_out

    @property
    def n_sources(self) -> int:
        """Number of nodes from which paths are searched."""
        return self.n_nodes if self.n_nodes <= EXACT else SAMPLE


def same_search(graph: igraph.Graph) -> object:
    """Search communities with igraph, with the same random draws as this library's search."""
    with igraph_draws_from(np.random.default_rng(0)):
        return graph.community_leiden("modularity", n_iterations=-1)


def numbered(g: tl.BipartiteGraph) -> NDArray[np.int64]:
    """Return the links as pairs of nodes, with the outputs numbered after the inputs."""
    return g.edges() + np.array([0, g.n_in])


def cases(graphs: Graphs, n_few: int) -> dict[str, dict[str, Peer]]:
    """Return the calls of each library for each measure; where networkx is slow, `n_few` nodes represent all."""
    g, x, i = graphs.own, graphs.networkx, graphs.igraph
    nodes, n = list(x), graphs.n_sources
    n_few = min(n_few, n)
    few = nodes[:: len(nodes) // n_few][:n_few]
    scale, all_nodes = n / n_few, graphs.n_nodes
    inputs = range(g.n_in)
    labels = np.arange(all_nodes) * 8 // all_nodes
    listed = labels.tolist()
    measures: dict[str, dict[str, Peer]] = {
        "the graph itself": {
            "topolearn": Peer(lambda: tl.BipartiteGraph.from_edges(g.edges(), n_in=g.n_in, n_out=g.n_out)),
            "networkx": Peer(lambda: nx.Graph((numbered(g)).tolist())),
            "igraph": Peer(lambda: igraph.Graph(n=all_nodes, edges=numbered(g))),
        },
        "closure": {
            "topolearn": Peer(lambda: diagnostics.closure(g)),
            "networkx": Peer(lambda: bipartite.robins_alexander_clustering(x)),
        },
        "Latapy clustering": {
            "topolearn": Peer(lambda: diagnostics.latapy_clustering(g)),
            "networkx": Peer(lambda: bipartite.average_clustering(x, few), all_nodes / n_few),
        },
        "path length": {
            "topolearn": Peer(lambda: diagnostics.path_length(g)),
            "networkx": Peer(lambda: [sum(nx.single_source_shortest_path_length(x, v).values()) for v in few], scale),
        },
        "efficiency": {
            "topolearn": Peer(lambda: diagnostics.efficiency(g)),
            "networkx": Peer(
                lambda: [sum(1 / d for d in nx.single_source_shortest_path_length(x, v).values() if d) for v in few],
                scale,
            ),
        },
        "closeness, harmonic": {
            "topolearn": Peer(lambda: diagnostics.closeness(g)),
            "networkx": Peer(lambda: nx.harmonic_centrality(x, few), scale),
            "igraph": Peer(lambda: i.harmonic_centrality(nodes[:n])),
        },
        "mean betweenness": {
            "topolearn": Peer(lambda: diagnostics.betweenness(g)),
            "networkx": Peer(lambda: nx.betweenness_centrality_subset(x, few, nodes), scale),
        },
        "components": {
            "topolearn": Peer(lambda: diagnostics.n_components(g)),
            "networkx": Peer(lambda: nx.number_connected_components(x)),
            "igraph": Peer(i.connected_components),
        },
        "assortativity": {
            "topolearn": Peer(lambda: diagnostics.assortativity(g)),
            "networkx": Peer(lambda: nx.degree_assortativity_coefficient(x)),
            "igraph": Peer(lambda: i.assortativity_degree(directed=False)),
        },
        "maximum matching": {
            "topolearn": Peer(lambda: diagnostics.maximum_matching(g)),
            "networkx": Peer(lambda: bipartite.hopcroft_karp_matching(x, inputs)),
            "igraph": Peer(i.maximum_bipartite_matching),
        },
        "power law, p of 100 samples": {
            "topolearn": Peer(lambda: diagnostics.power_law(g.degrees)),
            "igraph": Peer(lambda: igraph.power_law_fit(g.degrees.tolist(), p_precision=0.05)),
        },
        "modularity of given communities": {
            "topolearn": Peer(lambda: diagnostics.modularity(g, labels)),
            "igraph": Peer(lambda: i.modularity(listed)),
        },
        "communities (Leiden)": {
            "topolearn": Peer(lambda: diagnostics.communities(g)),
            "igraph": Peer(lambda: same_search(i)),
        },
    }
    if all_nodes <= EXACT:
        measures["path length"]["igraph"] = Peer(i.average_path_length)
        measures["mean betweenness"]["igraph"] = Peer(i.betweenness)
        measures["betweenness of each"] = {
            "topolearn": Peer(lambda: diagnostics.betweenness_centrality(g)),
            "networkx": Peer(lambda: nx.betweenness_centrality(x, k=n_few), scale),
            "igraph": Peer(i.betweenness),
        }
    else:  # search from as many nodes as this library does
        measures["path length"]["igraph"] = Peer(lambda: i.distances(nodes[:n_few]), scale)
        measures["mean betweenness"]["igraph"] = Peer(lambda: i.betweenness(sources=nodes[:n_few]), scale)
    return measures


def measure(calls: dict[str, Peer], repeats: int) -> dict[str, float]:
    """Return the median seconds of each library; the calls alternate."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    calls["topolearn"].call()  # loads compiled code
    for _ in range(repeats):
        for name, peer in calls.items():
            if taken[name] and max(taken[name]) > LONG:
                continue
            taken[name].append(_seconds(peer.call, 1))
            if taken[name][-1] < SHORT:
                taken[name][-1] = _seconds(peer.call, math.ceil(SHORT / taken[name][-1]))
    return {name: calls[name].times * statistics.median(each) for name, each in taken.items()}


def _seconds(call: Call, n: int) -> float:
    """Return the mean seconds of n calls."""
    start = time.perf_counter()
    for _ in range(n):
        call()
    return (time.perf_counter() - start) / n


def graphs_of(size: str) -> Graphs:
    """Return the layer of a given size, as a graph of each library."""
    n, n_links = SIZES[size]
    own = tl.generators.bipartite_small_world(n, n, n_links / n**2, beta=0.25, seed=0)
    edges = numbered(own)
    other = nx.Graph()
    other.add_nodes_from(range(n), bipartite=0)
    other.add_nodes_from(range(n, 2 * n), bipartite=1)
    other.add_edges_from(edges.tolist())
    kinds = [False] * n + [True] * n
    return Graphs(own, other, igraph.Graph.Bipartite(kinds, edges.tolist()))


def table(sizes: list[str], *, repeats: int, n_few: int, only: list[str] | None = None) -> pd.DataFrame:
    """Return a row for each layer and measure, with torch's current number of threads."""
    rows: list[dict[str, Any]] = []
    for size in sizes:
        graphs = graphs_of(size)
        for name, calls in cases(graphs, n_few).items():
            if only and name not in only:
                continue
            seconds = measure(calls, repeats)
            scaled = [f"{peer} on {n_few} nodes" for peer, each in calls.items() if each.times != 1]
            row = {"neurons a side": graphs.own.n_in, "links": graphs.own.n_links, "measure": name}
            row |= {"threads": torch.get_num_threads()}
            row |= {f"{peer}, s": seconds.get(peer) for peer in ("topolearn", "networkx", "igraph")}
            row |= {
                f"times {peer}": seconds[peer] / seconds["topolearn"] if peer in seconds else None
                for peer in ("networkx", "igraph")
            }
            rows.append(row | {"scaled up": ", ".join(scaled)})
            print(*(f"{key} {v:.4g}" if isinstance(v, float) else v for key, v in rows[-1].items()), flush=True)
    return pd.DataFrame(rows)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--part", dest="n_few", type=int, default=8, help="number of nodes to measure where a peer is slow"
    )
    parser.add_argument("--sizes", nargs="+", default=["1568", "10^5"], choices=SIZES)
    parser.add_argument("--measures", nargs="+", help="names of measures to update; other rows are kept")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure both layers, and write the table."""
    tables = []
    for threads in args.threads:
        torch.set_num_threads(threads)
        tables.append(table(args.sizes, repeats=args.repeats, n_few=args.n_few, only=args.measures))
    rows, file = pd.concat(tables), FIGURES / "benchmark_diagnostics.csv"
    if file.exists():  # other rows are kept
        rows = pd.concat([pd.read_csv(file), rows]).drop_duplicates(KEY, keep="last")
    write_table(file, rows.sort_values(KEY[:2], kind="stable"), float_format="%.4g")
    print(rows.to_string(index=False))


if __name__ == "__main__":
    program().run(main)
