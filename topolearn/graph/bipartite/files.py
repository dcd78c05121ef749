"""Save and load graphs as .npz, .mtx, .csv and .graphml files, with sizes and names; files are written atomically."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import io

from topolearn.errors import CorruptFileError, InvalidTypeError, MissingFileError
from topolearn.files import written_aside
from topolearn.graph.bipartite.frames import describe
from topolearn.graph.own_comment import own_comment
from topolearn.graph.stored_arrays import read_npz, sparse_array, write_csr
from topolearn.registry import Registry

if TYPE_CHECKING:
    import networkx as nx

    from topolearn.graph.bipartite.graph import BipartiteGraph

T = TypeVar("T")
ONE_MODE = "it holds a one-mode graph: use Graph.load"


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Raise an error unless the suffix of a path belongs to a known format.

    Raises
    ------
    InvalidTypeError, UnknownNameError
    """
    _FORMATS[as_path(path).suffix.lower()]


def as_path(path: str | os.PathLike[str]) -> Path:
    """Return a path, or raise an error for anything else.

    Raises
    ------
    InvalidTypeError
    """
    if not isinstance(path, str | os.PathLike):
        raise InvalidTypeError(f"path={path!r} is a {type(path).__name__}: pass a path")
    return Path(path)


def save(graph: BipartiteGraph, path: str | os.PathLike[str]) -> None:
    """Write the graph to a .npz, .mtx, .csv or .graphml file; an interrupted write leaves no partial file.

    All four formats keep sizes, links and names. The .npz file is the smallest, and `scipy.sparse.load_npz` can read it
    too.

    Raises
    ------
    InvalidTypeError, UnknownNameError, MissingFileError
        When `path` is not a path, the suffix is unknown, or the directory does not exist.
    """
    write, _ = _FORMATS[as_path(path).suffix.lower()]
    with written_aside(path) as aside:
        write(graph, aside)


def load(cls: type[BipartiteGraph], path: str | os.PathLike[str]) -> BipartiteGraph:
    """Read a graph from a .npz, .mtx, .csv or .graphml file.

    Raises
    ------
    InvalidTypeError, MissingFileError, CorruptFileError, UnknownNameError
        When `path` is not a path, or the file does not exist, is truncated or not a graph, or has an unknown suffix.
    """
    path = as_path(path)
    _, read = _FORMATS[path.suffix.lower()]
    return read_whole(path, lambda: read(cls, path))


def read_whole(path: Path, read: Callable[[], T]) -> T:
    """Return the result of a reader, with `CorruptFileError` for anything that is wrong with the file."""
    if not path.exists():
        raise MissingFileError(f"there is no file {str(path)!r}: check the path, or write it with graph.save")
    if path.is_dir():
        raise CorruptFileError(f"{str(path)!r} is a directory, not a {path.suffix} file of a graph: check the path")
    try:
        return read()
    except (OSError, MemoryError):
        raise
    except Exception as error:  # parsers raise anything on a damaged file
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise CorruptFileError(
            f"{str(path)!r} is not a valid {path.suffix} file of a graph ({reason}): save the graph again"
        ) from error


def _write_npz(graph: BipartiteGraph, path: Path) -> None:
    names = {"input_names": graph.input_names, "output_names": graph.output_names}
    also: dict[str, Any] = {"n_in": graph.n_in, "n_out": graph.n_out}  # which a one-mode graph does not have
    also |= {side: given for side, given in names.items() if given is not None}
    write_csr(path, graph.to_scipy(), **{name: np.array(value) for name, value in also.items()})


def _read_npz(cls: type[BipartiteGraph], path: Path) -> BipartiteGraph:
    stored = read_npz(path)
    if "n_nodes" in stored:
        raise ValueError(ONE_MODE)
    names = {side: stored[side].tolist() for side in ("input_names", "output_names") if side in stored}
    return cls(sparse_array(stored), **names)


def _write_mtx(graph: BipartiteGraph, path: Path) -> None:
    header = json.dumps(describe(graph))
    with path.open("wb") as file:
        io.mmwrite(file, graph.to_scipy(), comment=header, field="pattern", symmetry="general")


def _read_mtx(cls: type[BipartiteGraph], path: Path) -> BipartiteGraph:
    adjacency, header = read_matrix_market(path)
    if header is None:
        return cls(adjacency)
    if "n_nodes" in header:
        raise ValueError(ONE_MODE)
    if adjacency.shape != (header["n_out"], header["n_in"]):
        raise ValueError(f"its shape is {adjacency.shape}, but its comment says {header['n_out'], header['n_in']}")
    return cls(adjacency, input_names=header["input_names"], output_names=header["output_names"])


def read_matrix_market(path: Path) -> tuple[Any, dict[str, Any] | None]:
    """Return the matrix of a Matrix Market file, and the comment that `save` writes into it."""
    from topolearn.graph.reading.matrix_market import read_adjacency  # imports this module

    return read_adjacency(path.read_bytes(), path.name), _mtx_header(path)  # not scipy: it can crash the process


def _mtx_header(path: Path) -> dict[str, Any] | None:
    """Return the comment that `save` writes, or None in the file of another program."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if (header := own_comment(line.lstrip("%").strip())) is not None:
                _reject_open_end(path)
                return header
            if not line.startswith("%"):
                break
    return None


def _reject_open_end(path: Path) -> None:
    """Reject a file that does not end with a newline: its last number may be truncated."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            raise ValueError("its last line is truncated")


def _write_csv(graph: BipartiteGraph, path: Path) -> None:
    write_table(path, {**describe(graph), "n_links": graph.n_links}, ("input", "output"), graph.edges())


def write_table(path: Path, header: dict[str, Any], columns: tuple[str, str], edges: NDArray[np.int64]) -> None:
    """Write edges as two columns, below a comment with the sizes and names."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"# {json.dumps(header)}\n{','.join(columns)}\n")
        np.savetxt(file, edges, fmt="%d", delimiter=",")


def _read_csv(cls: type[BipartiteGraph], path: Path) -> BipartiteGraph:
    edges, header = read_table(path, ("input", "output"))
    return cls.from_edges(edges, **header)


def read_table(path: Path, columns: tuple[str, str]) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Return the edges and the comment that `write_table` wrote."""
    lines = path.read_text(encoding="utf-8").split("\n")
    if len(lines) < 3 or not lines[0].startswith("# {") or lines[1] != ",".join(columns):
        raise ValueError(
            f"it does not begin with '# {{...}}' and '{','.join(columns)}'; read other tables with read_graph"
        )
    comment, _, *rows, end = lines
    header = json.loads(comment[1:])
    n_links = header.pop("n_links")
    if len(rows) != n_links or end:
        raise ValueError(f"it has {len(rows)} complete rows of {n_links}, and {end!r} at the end")
    edges = np.empty((0, 2), dtype=np.int64)
    if rows:
        edges = np.loadtxt(rows, dtype=np.int64, delimiter=",", ndmin=2)
    return edges, header


def _write_graphml(graph: BipartiteGraph, path: Path) -> None:
    import networkx as nx

    nx.write_graphml(graph.to_networkx(), path)


def _read_graphml(cls: type[BipartiteGraph], path: Path) -> BipartiteGraph:
    return cls.from_networkx(read_graphml(path))


def read_graphml(path: Path) -> nx.Graph:
    """Return the networkx graph of a GraphML file; node labels that `save` wrote become integers again."""
    import networkx as nx

    graph = nx.read_graphml(path)
    numbers = {str(i): i for i in range(len(graph))}
    if set(graph) == set(numbers):  # labels are strings in the file
        return nx.relabel_nodes(graph, numbers)
    return graph


_FORMATS: Registry[tuple[Callable[[Any, Path], None], Callable[[Any, Path], Any]]] = Registry(
    "file suffix",
    {
        ".npz": (_write_npz, _read_npz),
        ".mtx": (_write_mtx, _read_mtx),
        ".csv": (_write_csv, _read_csv),
        ".graphml": (_write_graphml, _read_graphml),
    },
)
