"""Seconds for sigma and omega of one-mode networks, compared with networkx, alternating in one process.

Run it with ``python -m analysis.benchmarks.small_world DIR``, where DIR contains celegans.edges and others. Both
libraries read the same networkx graph. One random graph is generated for each of sigma and omega; networkx moves each
link about ``--moves`` times, and topolearn 20 times.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import networkx as nx

from analysis.program import Program
from topolearn import diagnostics


def read(path: Path) -> nx.Graph:
    """Read a network: a comment with the number of nodes, then two nodes per line."""
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    graph = nx.empty_graph(int(first.split()[2]))
    graph.add_edges_from(tuple(map(int, line.split()[:2])) for line in lines)
    return graph


def ours(graph: nx.Graph, seed: int) -> tuple[float, float]:
    """Return sigma and omega from this library, including the conversion."""
    world = diagnostics.small_world(graph, n_null=1, seed=seed)
    return world.sigma, world.omega


def theirs(graph: nx.Graph, seed: int, moves: int) -> tuple[float, float]:
    """Return sigma and omega from networkx."""
    return nx.sigma(graph, niter=moves, nrand=1, seed=seed), nx.omega(graph, niter=moves, nrand=1, seed=seed)


def timed(work: Callable[[], tuple[float, float]]) -> tuple[float, tuple[float, float]]:
    """Return the seconds that a call takes, and its result."""
    begun = time.perf_counter()
    values = work()
    return time.perf_counter() - begun, values


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--networks", nargs="+", default=["celegans"])
    parser.add_argument("--moves", type=int, default=1, help="moves per link in networkx, whose defaults are 100 and 5")
    parser.add_argument("--rounds", type=int, default=1)
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, and print a line for each round."""
    diagnostics.small_world(nx.karate_club_graph(), n_null=1)  # compiles and caches the kernels
    for name in args.networks:
        graph, seconds = read(args.directory / f"{name}.edges"), []
        for seed in range(args.rounds):
            own, values = timed(partial(ours, graph, seed))
            other, peers = timed(partial(theirs, graph, seed, args.moves))
            seconds.append((own, other))
            print(f"{name} sigma, omega: {values[0]:.3f}, {values[1]:.3f} in {own:.2f} s; networkx {peers[0]:.3f}, "
                  f"{peers[1]:.3f} in {other:.1f} s", flush=True)  # fmt: skip
        own, other = (statistics.median(column) for column in zip(*seconds, strict=True))
        print(f"{name} medians: {own:.2f} s, networkx {other:.1f} s, {other / own:.0f} times")


if __name__ == "__main__":
    program().run(main)
