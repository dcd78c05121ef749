"""Figure 3 of the paper: the adjacency of BSF, and of BSW from the ring lattice (beta 0) to a random graph (beta 1).

Each matrix is labelled with the exponent of its degrees (maximum likelihood of a discrete power law, both sides pooled)
and its closure 4 C4 / L3, the share of closed paths of length three. Run it with
``python -m analysis.fig3_adjacency``; it writes figures/fig3_adjacency.png.
"""

import argparse
from pathlib import Path

import igraph
from matplotlib.figure import Figure

from analysis.program import Program
from topolearn import plotting
from topolearn.diagnostics import closure
from topolearn.generators import make
from topolearn.graph import BipartiteGraph

MODELS: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("BSF", "bsf", {}),
    ("BSW, beta = 0", "bsw", {"beta": 0.0}),
    ("BSW, beta = 0.1", "bsw", {"beta": 0.1}),
    ("BSW, beta = 0.25", "bsw", {"beta": 0.25}),
    ("BSW, beta = 0.5", "bsw", {"beta": 0.5}),
    ("BSW, beta = 1", "bsw", {"beta": 1.0}),
)
STEEPEST = 5.0  # degrees with a larger exponent do not count as a power law


def exponent(graph: BipartiteGraph) -> float:
    """Return the exponent of the degrees of all neurons, estimated with xmin by igraph, without a p-value."""
    degrees = [int(degree) for degree in graph.degrees if degree > 0]
    return float(igraph.power_law_fit(degrees, method="discrete", p_precision=0.5).alpha)


def draw(n_in: int, n_out: int, density: float, seed: int) -> Figure:
    """Return the figure for layers of one size."""
    with plotting.style():
        figure = Figure(figsize=(13, 8.6), layout="constrained")
        for ax, (title, name, params) in zip(figure.subplots(2, 3).flat, MODELS, strict=True):
            graph = make(name, n_in, n_out, density, seed=seed, **params)
            plotting.adjacency(graph, ax=ax, title=title)
            gamma = exponent(graph)
            law = f"exponent {gamma:.2f}" if gamma <= STEEPEST else "no power law"
            below = f"closure {closure(graph):.3f}, {law}"
            ax.set_xlabel(f"input neuron\n{below}")
            print(f"{title:18} {graph.n_links} links, {below}")
        figure.suptitle(f"Initial topologies, {n_in} x {n_out} neurons, density {density:.0%}")
    return figure


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--n-in", type=int, default=200)
    parser.add_argument("--n-out", type=int, default=200)
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path, default=Path("figures/fig3_adjacency.png"))
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw the figure."""
    args.figure.parent.mkdir(exist_ok=True)
    draw(args.n_in, args.n_out, args.density, args.seed).savefig(args.figure, dpi=110)
    print(args.figure)


if __name__ == "__main__":
    program().run(main)
