"""Graphs in files, as commands read them."""

from pathlib import Path
from typing import Any

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError

MATRICES = (".npz", ".mtx", ".csv", ".graphml")
LISTS = (".tsv", ".edges", ".txt")  # a line for each link, two names
HELP = ".npz, .mtx, .csv or .graphml of a graph; or .tsv, .edges or .txt with two names a line, first the input"


def read_graph_file(path: Path, *, one_mode: bool) -> Any:
    """Return the graph in a file, with two sides or of one kind of node."""
    import networkx as nx

    from topolearn.graph import BipartiteGraph, Graph

    if path.suffix.lower() not in LISTS:
        if one_mode:
            raise InvalidValueError(f"--one-mode reads {', '.join(LISTS)} files, not {path.name!r}")
        return BipartiteGraph.load(path)
    pairs = _pairs(path)
    return Graph.from_networkx(nx.Graph(pairs)) if one_mode else BipartiteGraph.from_pairs(pairs)


def _pairs(path: Path) -> list[tuple[str, str]]:
    """Return the pairs of names in a file: parted by a tab, or by spaces; lines that begin with # are comments."""
    if not path.exists():
        raise MissingFileError(f"there is no file {str(path)!r}: check the path")
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.strip().split("\t") if "\t" in line else line.split()
        if len(words) != 2:
            raise CorruptFileError(f"line {number} of {str(path)!r} is {line!r}: each line must have two names")
        pairs.append((words[0], words[1]))
    if not pairs:
        raise CorruptFileError(f"{str(path)!r} has no links: each line must have two names")
    return pairs
