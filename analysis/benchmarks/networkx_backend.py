"""Seconds of networkx's functions with ``backend="topolearn"`` and without, at 10^3, 10^4 and 10^5 nodes.

Run it with ``python -m analysis.benchmarks.networkx_backend``; it writes figures/benchmark_networkx_backend.csv. The
graphs are bipartite with six links per node on average (BSW, beta = 0.25; the largest component of the 2-core), and
nodes are named by strings. Every call of the backend includes the conversion of the graph. Both alternate in one
process on one thread; medians are reported. Cases that would exceed the time limit, extrapolated from the previous
size, are left empty.
"""

import argparse
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import torch
from networkx.algorithms import bipartite

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table

FIGURES = Path("figures")
SIZES = (10**3, 10**4, 10**5)
DEGREE = 6
LONG = 2.0  # seconds; anything slower is measured only once
BACKENDS = ("topolearn", "networkx")


@dataclass(frozen=True)
class Case:
    """A function to call on a graph, possibly with its first side; its time grows as a power of the nodes."""

    call: Callable[..., Any]
    on_side: bool = False
    power: int = 1


CASES = {
    "bipartite.robins_alexander_clustering": Case(bipartite.robins_alexander_clustering),
    "bipartite.clustering": Case(bipartite.clustering),
    "bipartite.node_redundancy": Case(bipartite.node_redundancy, on_side=True),
    "bipartite.hopcroft_karp_matching": Case(bipartite.hopcroft_karp_matching, on_side=True),
    "bipartite.projected_graph": Case(bipartite.projected_graph, on_side=True),
    "bipartite.weighted_projected_graph": Case(bipartite.weighted_projected_graph, on_side=True),
    "degree_assortativity_coefficient": Case(nx.degree_assortativity_coefficient),
    "average_shortest_path_length": Case(nx.average_shortest_path_length, power=2),
    "all_pairs_shortest_path_length": Case(nx.all_pairs_shortest_path_length, power=2),
    "betweenness_centrality": Case(nx.betweenness_centrality, power=2),
    "bipartite.betweenness_centrality": Case(bipartite.betweenness_centrality, on_side=True, power=2),
}


def graph_of(n_nodes: int) -> tuple[nx.Graph, list[str]]:
    """Return a bipartite graph of about `n_nodes` nodes, and its first side."""
    side = n_nodes // 2
    layer = tl.generators.bipartite_small_world(side, side, DEGREE / side, beta=0.25, seed=0)
    graph = nx.Graph()
    graph.add_nodes_from(f"input {i}" for i in range(side))
    graph.add_nodes_from(f"output {i}" for i in range(side))
    graph.add_edges_from((f"input {i}", f"output {j}") for i, j in layer.edges().tolist())
    core = nx.k_core(graph, 2)  # a node with a single link has no redundancy
    graph = core.subgraph(max(nx.connected_components(core), key=len)).copy()
    return graph, [node for node in graph if node.startswith("input")]


def seconds(case: Case, graph: nx.Graph, side: list[str], backend: str) -> float:
    """Return the seconds of one call, including the conversion of the graph."""
    graph.__networkx_cache__.clear()
    start = time.perf_counter()
    result = case.call(graph, *([side] if case.on_side else []), backend=backend)
    if isinstance(result, Iterator):
        deque(result, maxlen=0)
    return time.perf_counter() - start


def measure(limit: float, repeats: int, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """Return a row for each function and size."""
    rows: list[dict[str, object]] = []
    medians: dict[tuple[str, str], tuple[int, float]] = {}
    for n in sizes:
        graph, side = graph_of(n)
        for name, case in CASES.items():
            taken: dict[str, list[float]] = {
                backend: [] for backend in BACKENDS if not _too_long(medians.get((name, backend)), n, case.power, limit)
            }
            if n == sizes[0]:
                seconds(case, graph, side, "topolearn")  # loads compiled code
            for _ in range(repeats):
                for backend, times in taken.items():
                    if not times or max(times) <= LONG:
                        times.append(seconds(case, graph, side, backend))
            medians |= {(name, backend): (n, statistics.median(times)) for backend, times in taken.items()}
            got = {backend: statistics.median(times) for backend, times in taken.items()}
            row = {"function": name, "nodes": len(graph), "links": graph.number_of_edges()}
            row |= {f"{backend}, s": got.get(backend, math.nan) for backend in BACKENDS}
            rows.append(row | {"times": got["networkx"] / got["topolearn"] if len(got) == len(BACKENDS) else math.nan})
            print(pd.DataFrame([rows[-1]]).to_string(index=False, header=len(rows) == 1), flush=True)
    return pd.DataFrame(rows)


def _too_long(before: tuple[int, float] | None, n: int, power: int, limit: float) -> bool:
    """Return whether a call would exceed the time limit, extrapolated from a smaller graph."""
    return before is not None and before[1] * (n / before[0]) ** power > limit


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--limit", type=float, default=100, help="maximum seconds per call [100]")
    parser.add_argument("--repeats", type=int, default=3, help="calls per case, for the median [3]")
    parser.add_argument("-o", "--output", type=Path, default=FIGURES / "benchmark_networkx_backend.csv")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, and write the table."""
    torch.set_num_threads(1)
    write_table(args.output, measure(args.limit, args.repeats), float_format="%.4g")


if __name__ == "__main__":
    program().run(main)
