"""Save and load one-mode graphs as .npz, .mtx, .csv and .graphml files, with sizes and names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import io

from topolearn.files import written_aside
from topolearn.graph.bipartite import files
from topolearn.graph.one_mode.frames import describe
from topolearn.graph.stored_arrays import read_npz, sparse_array, write_csr
from topolearn.registry import Registry

if TYPE_CHECKING:
    from topolearn.graph.one_mode.graph import Graph

TWO_SIDES = "it holds a graph with two sides: use BipartiteGraph.load"


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the graph to a .npz, .mtx, .csv or .graphml file; an interrupted write leaves no partial file.

    All four formats keep nodes, links and names. The .npz file is the smallest, and `scipy.sparse.load_npz` can read it
    too, as the symmetric adjacency.

    Raises
    ------
    InvalidTypeError, UnknownNameError, MissingFileError
        When `path` is not a path, the suffix is unknown, or the directory does not exist.
    """
    write, _ = _FORMATS[files.as_path(path).suffix.lower()]
    with written_aside(path) as aside:
        write(graph, aside)


def load(cls: type[Graph], path: str | os.PathLike[str]) -> Graph:
    """Read a graph from a .npz, .mtx, .csv or .graphml file; matrices from other programs must be symmetric.

    Raises
    ------
    InvalidTypeError, MissingFileError, CorruptFileError, UnknownNameError
        When `path` is not a path, or the file does not exist, is truncated or not a graph, or has an unknown suffix.
    """
    path = files.as_path(path)
    _, read = _FORMATS[path.suffix.lower()]
    return files.read_whole(path, lambda: read(cls, path))


def _write_npz(graph: Graph, path: Path) -> None:
    names = {} if graph.names is None else {"names": np.array(graph.names)}
    write_csr(path, graph.to_scipy(), n_nodes=np.array(graph.n_nodes), **names)


def _read_npz(cls: type[Graph], path: Path) -> Graph:
    stored = read_npz(path)
    if {"n_in", "input_names", "output_names"} & stored.keys():  # files of earlier versions have no sizes
        raise ValueError(TWO_SIDES)
    names = stored["names"].tolist() if "names" in stored else None
    return cls.from_adjacency(sparse_array(stored), names=names)


def _write_mtx(graph: Graph, path: Path) -> None:
    with path.open("wb") as file:
        io.mmwrite(file, graph.to_scipy(), comment=json.dumps(describe(graph)), field="pattern", symmetry="symmetric")


def _read_mtx(cls: type[Graph], path: Path) -> Graph:
    adjacency, header = files.read_matrix_market(path)
    if header is None:
        return cls.from_adjacency(adjacency)
    if "n_nodes" not in header:
        raise ValueError(TWO_SIDES)
    if adjacency.shape != (header["n_nodes"], header["n_nodes"]):
        raise ValueError(f"its shape is {adjacency.shape}, but its comment says {header['n_nodes']} nodes")
    return cls.from_adjacency(adjacency, names=header["names"])


def _write_csv(graph: Graph, path: Path) -> None:
    files.write_table(path, {**describe(graph), "n_links": graph.n_links}, ("node", "other"), graph.edges())


def _read_csv(cls: type[Graph], path: Path) -> Graph:
    edges, header = files.read_table(path, ("node", "other"))
    return cls(edges, **header)


def _write_graphml(graph: Graph, path: Path) -> None:
    import networkx as nx

    nx.write_graphml(graph.to_networkx(), path)


def _read_graphml(cls: type[Graph], path: Path) -> Graph:
    graph = files.read_graphml(path)
    if any("bipartite" in data for _, data in graph.nodes(data=True)):
        raise ValueError(TWO_SIDES)
    return cls.from_networkx(graph)


_FORMATS: Registry[tuple[Callable[[Any, Path], None], Callable[[Any, Path], Any]]] = Registry(
    "file suffix",
    {
        ".npz": (_write_npz, _read_npz),
        ".mtx": (_write_mtx, _read_mtx),
        ".csv": (_write_csv, _read_csv),
        ".graphml": (_write_graphml, _read_graphml),
    },
)
