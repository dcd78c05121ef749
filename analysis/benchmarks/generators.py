"""Seconds and peak memory of every generator on large layers, compared with the closest ones of igraph and networkx.

Run it with ``python -m analysis.benchmarks.generators``. Each case runs in its own process; its memory is the increase
of the peak over imports and the given graph. Ours and the peers' alternate; medians are reported.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.program import Program
from analysis.tables import write_table

FIGURES = Path("figures")
LARGE, SMALL = 10**6, 10**5  # neurons on each side, with ten links each


def _ours(name: str, n: int, **params: Any) -> Callable[[], Any]:
    from topolearn import generators

    return lambda: generators.make(name, n, n, 10 / n, seed=0, **params)


def _igraph_random(n: int) -> Callable[[], Any]:
    import igraph

    return lambda: igraph.Graph.Random_Bipartite(n, n, m=10 * n)


def _igraph_barabasi(n: int) -> Callable[[], Any]:
    import igraph

    return lambda: igraph.Graph.Barabasi(2 * n, 5)


def _igraph_lattice(n: int) -> Callable[[], Any]:
    import igraph

    return lambda: igraph.Graph.Watts_Strogatz(1, 2 * n, 5, 0.25)


def _igraph_rewire(n: int) -> Callable[[], Any]:
    import igraph

    graph = igraph.Graph.Random_Bipartite(n, n, m=10 * n, directed=True, neimode="out")
    return lambda: graph.rewire(10 * graph.ecount())


def _randomise(n: int) -> Callable[[], Any]:
    from topolearn import generators

    graph = generators.erdos_renyi(n, n, 10 / n, seed=0)
    return lambda: generators.randomise(graph, seed=0)


def _equal_partition(n: int) -> Callable[[], Any]:
    from topolearn import generators

    graph = generators.erdos_renyi(n, n, 10 / n, seed=0)
    return lambda: generators.equal_partition(graph, seed=0)


def _networkx_random(n: int) -> Callable[[], Any]:
    import networkx as nx

    return lambda: nx.bipartite.gnmk_random_graph(n, n, 10 * n, seed=0)


def _networkx_barabasi(n: int) -> Callable[[], Any]:
    import networkx as nx

    return lambda: nx.barabasi_albert_graph(2 * n, 5, seed=0)


CASES: dict[str, tuple[Callable[[int], Callable[[], Any]], int]] = {
    "er": (lambda n: _ours("er", n), LARGE),
    "igraph Random_Bipartite": (_igraph_random, LARGE),
    "networkx gnmk_random_graph": (_networkx_random, SMALL),
    "bsw, beta .25": (lambda n: _ours("bsw", n, beta=0.25), LARGE),
    "igraph Watts_Strogatz (one-mode)": (_igraph_lattice, LARGE),
    "bsf": (lambda n: _ours("bsf", n), LARGE),
    "igraph Barabasi (one-mode)": (_igraph_barabasi, LARGE),
    "networkx barabasi_albert_graph (one-mode)": (_networkx_barabasi, SMALL),
    "brf, r 0": (lambda n: _ours("brf", n, r=0.0), LARGE),
    "brf, r .3": (lambda n: _ours("brf", n, r=0.3), LARGE),
    "fixed_fan_in": (lambda n: _ours("fixed_fan_in", n), LARGE),
    "equal_partition of er": (_equal_partition, LARGE),
    "randomise er": (_randomise, LARGE),
    "igraph rewire, 10 swaps a link": (_igraph_rewire, LARGE),
}


def measure(case: str, n: int) -> dict[str, float]:
    """Return the seconds of one case in this process, and the MiB by which it raised the peak resident memory."""
    run = CASES[case][0](n)
    before = _peak()
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": _peak() - before}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_process(case: str, n: int) -> dict[str, float]:
    command = [sys.executable, "-m", "analysis.benchmarks.generators", "--case", case, "--n", str(n)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--n", type=int, help=argparse.SUPPRESS)
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all cases, and write the table."""
    if args.case:
        print(json.dumps(measure(args.case, args.n)))
        return
    taken: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    for _ in range(args.repeats):
        for case, (_, n) in CASES.items():
            taken[case].append(_in_process(case, n))
    rows = []
    for case, (_, n) in CASES.items():
        seconds = statistics.median(each["seconds"] for each in taken[case])
        peak = statistics.median(each["peak"] for each in taken[case])
        rows.append({"generator": case, "neurons a side": n, "links": 10 * n, "seconds": seconds, "MiB": peak})
    table = pd.DataFrame(rows).round({"seconds": 2, "MiB": 0})
    write_table(FIGURES / "benchmark_generators.csv", table)
    print(table.to_string(index=False))


if __name__ == "__main__":
    program().run(main)
