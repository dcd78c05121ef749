"""Checks a single file by reading it, according to its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from topolearn.errors import CorruptFileError, TopolearnError
from topolearn.recording.history import FULL, History
from topolearn.recording.integrity.listed import WHOLE, Finding
from topolearn.recording.plan import TOPOLOGY

CORRUPT = "corrupt"


def check_file(path: Path) -> Finding:
    """Check that a file can be read completely, according to its name, or else as a graph.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "summary.json")
    >>> _ = path.write_text('{"seconds": 1')
    >>> check_file(path).state
    'corrupt'
    """
    size = path.stat().st_size
    try:
        if path.parent.name == TOPOLOGY and path.suffix in (".npz", ".bin"):
            read_history(History(path.parent))  # its files can only be checked together
        else:
            (reader_of(path) or _read_graph)(path)
    except TopolearnError as error:
        return Finding(path.name, CORRUPT, size, str(error))
    return Finding(path.name, WHOLE, size)


def read_history(history: History) -> None:
    """Read a whole history.

    Raises
    ------
    CorruptFileError
    """
    if not history.exists and history.path.is_dir():
        raise CorruptFileError(f"{history.path / 'initial.npz'}, the start of the history, is missing: restore it")
    _ = history.updates
    if history.kept == FULL:
        for _ in history.replay():
            pass
    else:
        for step in history.snapshots:
            history.at(step)


def reader_of(path: Path) -> Callable[[Path], object] | None:
    """Return the reader for a file that topolearn writes, by its name; None for other files."""
    by_name: dict[str, Callable[[Path], object]] = {"study.toml": _read_toml, "metrics.csv": _read_table}
    by_name |= dict.fromkeys(("network.csv", "layers.csv", "measures.csv"), _read_rows)
    by_suffix: dict[str, Callable[[Path], object]] = {
        ".json": _read_json, ".toml": _read_config, ".safetensors": _read_weights,
    }  # fmt: skip
    return by_name.get(path.name) or by_suffix.get(path.suffix.lower())


def _read_graph(path: Path) -> None:
    from topolearn.graph.reading import read_graph

    read_graph(path)


def _read_json(path: Path) -> None:
    from topolearn.files import read_json

    read_json(path)


def _read_toml(path: Path) -> None:
    from topolearn.task_registry import read_toml

    read_toml(path)


def _read_config(path: Path) -> None:
    from topolearn.task_registry import imported, task_of

    imported(task_of(path).config).load(path)


def _read_table(path: Path) -> None:
    from topolearn.recording.tables.growing import read_table

    read_table(path)


def _read_rows(path: Path) -> None:
    from topolearn.recording.tables.growing import read_table

    read_table(path, key="index")


def _read_weights(path: Path) -> None:
    from topolearn.integrations.checkpoints.weight_files import WeightFiles

    WeightFiles([path])
