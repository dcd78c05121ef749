"""`topolearn generate`: generate a topology and write it to a file."""

import argparse
from pathlib import Path
from typing import Any

from topolearn.cli.choices import GENERATOR_PARAMETERS, GENERATORS
from topolearn.files import check_folder
from topolearn.terminal import say

EXAMPLES = """examples:
  topolearn generate bsw --n-in 784 --n-out 1568 --density 0.01 --beta 0.25 --seed 0 -o layer.npz
  topolearn generate bsf+ep --n-in 100 --n-out 200 --density 0.05 -o layer.graphml --plot
  topolearn generate csti --n-in 64 --n-out 128 --density 0.05 --data digits -o layer.csv
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn generate``."""
    parser = commands.add_parser(
        "generate",
        help="generate the topology of a layer and write it to a file",
        description="Generate a bipartite graph with exactly round(density * n_in * n_out) links.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "generator",
        metavar="GENERATOR",
        help=f"{', '.join(GENERATORS)}; append +ep for equal fan-outs",
    )
    parser.add_argument("--n-in", type=int, required=True, help="number of input neurons")
    parser.add_argument("--n-out", type=int, required=True, help="number of output neurons")
    parser.add_argument("--density", type=float, required=True, help="share of the possible links that exist")
    parser.add_argument("--seed", type=int, default=0, help="random seed [0]")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="file to write: .npz, .graphml, .mtx or .csv"
    )
    parser.add_argument(
        "--plot", action="store_true", help="also plot the adjacency matrix and the degrees, into FILE with suffix .png"
    )
    for name, (kind, owners) in GENERATOR_PARAMETERS.items():
        parser.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, help=f"parameter of {', '.join(owners)}")
    parser.add_argument("--data", help="data set or .npz file, for generators that use data")
    parser.add_argument(
        "--data-dir", help="folder that contains the data set's files, or a folder NAME with them [data]"
    )
    parser.set_defaults(command=_generate)


def _generate(args: argparse.Namespace) -> None:
    from topolearn import generators
    from topolearn.graph.bipartite.files import check_suffix
    from topolearn.training import load_dataset

    check_suffix(args.output)
    picture = args.output.with_suffix(".png")
    if args.plot:
        check_folder(picture)
    params: dict[str, Any] = {name: getattr(args, name) for name in GENERATOR_PARAMETERS if hasattr(args, name)}
    if args.data is not None:
        params["data"] = load_dataset(args.data, args.data_dir).train_x
    graph = generators.make(args.generator, args.n_in, args.n_out, args.density, seed=args.seed, **params)
    graph.save(args.output)
    say(f"{graph}\nfile    {args.output}")
    if args.plot:
        say(f"picture {_draw(graph, picture)}")


def _draw(graph: Any, path: Path) -> Path:
    from matplotlib.figure import Figure

    from topolearn import plotting

    with plotting.style():
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        plotting.adjacency(graph, ax=left)
        plotting.degree_distribution(graph, ax=right)
        figure.savefig(path, dpi=150)
    return path
