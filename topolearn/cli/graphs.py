"""The options with which commands read graph files."""

import argparse
import sys
from pathlib import Path
from typing import Any

from topolearn.cli.choices import GRAPH_FORMATS
from topolearn.terminal import say

# Suffixes of graph files: a path with one of these is never taken for the name of a model on the hub.
SUFFIXES = (
    ".npz", ".npy", ".mtx", ".csv", ".tsv", ".txt", ".edges", ".edgelist", ".graphml", ".gml", ".net", ".paj", ".gz",
    ".bz2", ".xz",
)  # fmt: skip
HELP = (
    "a network: a list of links or a matrix (.csv, .tsv, .txt, .edges, ...), .mtx, .gml, .graphml, .net or .npz, "
    "possibly compressed (.gz)"
)
_OPTIONS = (
    "sides", "format", "sep", "source", "target", "index_base", "duplicates", "self_loops", "comments", "counts",
    "encoding",
)  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to read a file where its content is ambiguous; see `topolearn.read_graph`."""
    group = parser.add_argument_group(
        "reading", "how to read a file whose content is ambiguous; errors name the option that is needed"
    )
    group.add_argument(
        "--sides", type=int, choices=(1, 2), help="number of kinds of nodes; with 2, the first column holds the inputs"
    )
    group.add_argument("--one-mode", action="store_const", dest="sides", const=1, help="the same as --sides 1")
    group.add_argument("--format", metavar="FORMAT", help=f"{', '.join(GRAPH_FORMATS)} [by content]")
    group.add_argument("--sep", metavar="TEXT", help="column separator [by content]")
    group.add_argument("--header", action=argparse.BooleanOptionalAction, help="the first line names the columns")
    group.add_argument("--source", metavar="COLUMN", help="name or number (from 0) of the column of source nodes")
    group.add_argument("--target", metavar="COLUMN", help="name or number (from 0) of the column of target nodes")
    group.add_argument("--index-base", type=int, choices=(0, 1), help="node ids are numbers that start here [names]")
    group.add_argument("--directed", action="store_true", help="the links are directed: ignore their direction")
    group.add_argument("--duplicates", choices=("error", "merge"), help="what to do with repeated links [error]")
    group.add_argument(
        "--self-loops", choices=("error", "drop"), help="what to do with links from a node to itself [error]"
    )
    group.add_argument("--comments", metavar="CHARACTERS", help="characters that start a comment [#%%]")
    group.add_argument(
        "--counts",
        choices=("believe", "ignore"),
        help="whether to trust the numbers of nodes and links in a header [believe]",
    )
    group.add_argument("--encoding", help="text encoding [by content]")


def given_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the reading options that were given."""
    values = {name: getattr(args, name) for name in (*_OPTIONS, "header")}
    return {name: value for name, value in values.items() if value is not None} | (
        {"directed": True} if args.directed else {}
    )


def read_graph_file(args: argparse.Namespace, *, quiet: bool = False) -> Any:
    """Return the graph in ``args.file``, and print how it was read: to stderr if ``quiet``."""
    from topolearn.graph.reading import read_graph

    graph = read_graph(args.file, progress=True, **given_options(args))
    say(f"read    {graph.source}", stream=sys.stderr if quiet else sys.stdout)
    return graph


def is_graph_file(path: Path) -> bool:
    """Return whether the suffix is that of a graph file."""
    return path.name.lower().endswith(SUFFIXES)
