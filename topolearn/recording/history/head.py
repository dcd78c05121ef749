"""Reads the initial file of a history, and the links of all layers in it or in a snapshot."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from topolearn.read_errors import reading
from topolearn.recording.history.checks import STEPS, check_head, check_links
from topolearn.recording.history.columns import CURE, WHAT, Columns, read_columns

OF_GRAPHS = ("count", "first", STEPS)


class Head(NamedTuple):
    """The header of the initial file: what is kept, each layer's (n_out, n_in), and the step of the start."""

    kept: str
    shapes: dict[str, tuple[int, int]]
    step: int = 0


def read_head(file: Path, kinds: Sequence[str]) -> Head:
    """Return the header of the initial file.

    Raises
    ------
    CorruptFileError
        When the file is cut off or altered, or its layers are impossible.
    """
    head, _ = read_columns(file, ["kept", "layers", "shapes", "step"])
    with reading(file, WHAT, CURE):
        check_head(head, kinds)
        shapes = [(n_out, n_in) for n_out, n_in in head["shapes"].tolist()]
        named = dict(zip(head["layers"].tolist(), shapes, strict=True))
        return Head(str(head["kept"]), named, int(head.get("step", 0)))


def read_links(file: Path, n_cells: Sequence[int], names: Sequence[str] = OF_GRAPHS) -> Columns:
    """Return columns of the links of all layers, from the initial file or a snapshot.

    Raises
    ------
    CorruptFileError
        When the file is cut off or altered, or its links do not fit the layers.
    """
    columns, shapes = read_columns(file, names)
    with reading(file, WHAT, CURE):
        for name in OF_GRAPHS:
            if name not in shapes:
                raise KeyError(name)
        check_links(columns, shapes, np.array(n_cells, dtype=np.int64))
    return columns
