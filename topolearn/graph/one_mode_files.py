"""Files of one-mode graphs: .npz, .mtx, .csv and .graphml, each whole or not there, with sizes and names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import io

from topolearn.files import written_aside
from topolearn.graph import files
from topolearn.graph.one_mode_frames import describe
from topolearn.graph.stored_arrays import read_npz, sparse_array
from topolearn.registry import Registry

if TYPE_CHECKING:
    from topolearn.graph.one_mode import Graph


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the graph to a .npz, .mtx, .csv or .graphml file, whole or not at all.

    Nodes, links and names are kept by all four; .npz is the smallest and can be read by `scipy.sparse.load_npz` too,
    as the symmetric adjacency.

    Raises
    ------
    UnknownNameError, MissingFileError
        When the suffix is another, or the directory does not exist.
    """
    write, _ = _FORMATS[Path(path).suffix.lower()]
    with written_aside(path) as aside:
        write(graph, aside)


def load(cls: type[Graph], path: str | os.PathLike[str]) -> Graph:
    """Read a graph from a .npz, .mtx, .csv or .graphml file; matrices of other programs have to be symmetric.

    Raises
    ------
    MissingFileError, CorruptFileError, UnknownNameError
        When the file is not there, is cut off or of another kind, or has another suffix.
    """
    path = Path(path)
    _, read = _FORMATS[path.suffix.lower()]
    return files.read_whole(path, lambda: read(cls, path))


def _write_npz(graph: Graph, path: Path) -> None:
    adjacency = graph.to_scipy()
    names: dict[str, Any] = {} if graph.names is None else {"names": np.array(graph.names)}
    with path.open("wb") as file:  # given a path, writers add a suffix that they miss
        np.savez_compressed(
            file,
            format=np.array(b"csr"),
            shape=np.array(graph.shape),
            data=adjacency.data,
            indices=adjacency.indices,
            indptr=adjacency.indptr,
            n_nodes=np.array(graph.n_nodes),
            **names,
        )


def _read_npz(cls: type[Graph], path: Path) -> Graph:
    stored = read_npz(path)
    if "input_names" in stored or "output_names" in stored:
        raise ValueError("it holds a graph with two sides, for BipartiteGraph.load")
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
        raise ValueError("it holds a graph with two sides, for BipartiteGraph.load")
    if adjacency.shape != (header["n_nodes"], header["n_nodes"]):
        raise ValueError(f"shape {adjacency.shape} is not that of its comment")
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
        raise ValueError("it holds a graph with two sides, for BipartiteGraph.load")
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
