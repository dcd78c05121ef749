"""Checks that the columns of a history file fit each other, before links are built from them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topolearn.believable import check_sizes
from topolearn.evolution import EVENTS
from topolearn.graph.stored_arrays import Shapes

Columns = dict[str, NDArray[Any]]
OF_UPDATES = ("step", "index", "theta", "n_layers")  # one number per update
OF_LAYERS = ("layer", "overlap")  # one number per update and layer that it concerns
OF_EVENTS = ("count", "first")  # one number per update, layer and event
STEPS = "steps"  # for each event with links, one number fewer than its links
REALS = ("theta", "overlap")


def check_updates(columns: Columns, shapes: Shapes, n_cells: NDArray[np.int64]) -> None:
    """Raise if the columns of updates do not fit each other or the layers.

    Parameters
    ----------
    columns : dict of str to array
        The columns that were read, including ``index``, ``n_layers`` and ``layer``.
    shapes : dict of str to tuple
        The shapes of all columns, including those that were not read.
    n_cells : array of int64, shape (n_layers,)
        Possible links of each layer.

    Raises
    ------
    ValueError
        When a column is wrong; the message names it.

    Examples
    --------
    >>> columns = {"index": np.array([1]), "n_layers": np.array([1]), "layer": np.array([3])}
    >>> check_updates(columns, {name: (1,) for name in columns}, np.array([20]))
    Traceback (most recent call last):
    ValueError: layer ranges from 3 to 3, but must be in 0..0
    """
    for name, column in columns.items():
        _check_kind(name, column)
    n_updates = columns["index"].size
    _check_sizes(shapes, dict.fromkeys(OF_UPDATES, n_updates))
    if not n_updates or (np.diff(columns["index"].astype(np.int64)) != 1).any():
        raise ValueError("index does not increase by 1 from update to update")
    _check_range("n_layers", columns["n_layers"], 0, n_cells.size)
    n_each = int(columns["n_layers"].sum())
    _check_sizes(shapes, dict.fromkeys(OF_LAYERS, n_each) | dict.fromkeys(OF_EVENTS, n_each * len(EVENTS)))
    _check_range("layer", columns["layer"], 0, n_cells.size - 1)
    of_update = np.repeat(np.arange(n_updates), columns["n_layers"].astype(np.int64))
    layers = columns["layer"].astype(np.int64)
    if np.unique(of_update * n_cells.size + layers).size != n_each:
        raise ValueError("layer has the same layer twice within an update")
    if "step" in columns:
        _check_range("step", columns["step"], 0, 2**62)
        if (np.diff(columns["step"].astype(np.int64)) < 0).any():
            raise ValueError("step decreases from one update to the next")
    if "theta" in columns:
        _check_range("theta", columns["theta"], 0, 1)
    if "overlap" in columns:
        _check_range("overlap", columns["overlap"], 0, 1)
    if "count" in columns:
        check_links(columns, shapes, np.repeat(n_cells[layers], len(EVENTS)))


def check_links(columns: Mapping[str, NDArray[Any]], shapes: Shapes, n_cells: NDArray[np.int64]) -> None:
    """Raise if packed lists of links are not sorted cells of layers with the given numbers of possible links.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> columns = {"count": np.array([2]), "first": np.array([4]), "steps": np.array([3])}
    >>> check_links(columns, {name: (1,) for name in columns}, np.array([8]))
    >>> check_links({**columns, "steps": np.array([0])}, {name: (1,) for name in columns}, np.array([8]))
    Traceback (most recent call last):
    ValueError: steps ranges from 0 to 0, but must be in 1..8
    """
    count = columns["count"].astype(np.int64)
    if count.size != n_cells.size:
        raise ValueError(f"count should have {n_cells.size} numbers, but has {count.size}")
    if count.size and not ((count >= 0) & (count <= n_cells)).all():
        raise ValueError(
            f"count ranges from {count.min()} to {count.max()}, but a layer has at most {n_cells.max()} possible links"
        )
    if STEPS not in shapes:
        return
    n_steps, each = shapes[STEPS][0] if shapes[STEPS] else 1, np.maximum(count - 1, 0)
    if each.max(initial=0) > n_steps or int(each.sum()) != n_steps:
        raise ValueError(f"steps has {n_steps} numbers, but must have one fewer than each list's count of links")
    if "first" not in columns or STEPS not in columns:
        return
    most = int(n_cells.max(initial=0))
    _check_range("first", columns["first"], 0, most)
    _check_range("steps", columns[STEPS], 1, most)  # `unpack` checks their sums


def check_head(head: Mapping[str, NDArray[Any]], kinds: Sequence[str]) -> None:
    """Raise if the header of the initial file describes impossible layers.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> head = {"kept": np.array("full"), "layers": np.array(["a"]), "shapes": np.array([[10**12, 10]])}
    >>> check_head(head, ["full"])
    Traceback (most recent call last):
    ValueError: layer 'a' has impossible sizes: [1000000000000, 10]
    """
    kept, layers, shapes, step = (head.get(name) for name in ("kept", "layers", "shapes", "step"))
    if kept is None or kept.ndim or str(kept) not in kinds:
        raise ValueError(f"kept is {kept}, but must be one of {', '.join(kinds)}")
    if layers is None or shapes is None or layers.ndim != 1 or shapes.shape != (len(layers), 2):
        raise ValueError("layers and shapes do not fit each other")
    if layers.dtype.kind != "U" or shapes.dtype.kind not in "iu" or len(set(layers.tolist())) != len(layers):
        raise ValueError("layers are not distinct names, or shapes are not integers")
    for name, shape in zip(layers.tolist(), shapes.tolist(), strict=True):
        check_sizes(name, shape)
    if step is not None and (step.ndim or step.dtype.kind not in "iu" or not 0 <= int(step) < 2**62):
        raise ValueError(f"step is {step}, but must be a number of steps")


def _check_kind(name: str, column: NDArray[Any]) -> None:
    if column.ndim != 1:
        raise ValueError(f"{name} has shape {column.shape}, but must have one dimension")
    if column.size and column.dtype.kind not in ("fiu" if name in REALS else "iu"):
        raise ValueError(f"{name} has dtype {column.dtype}, but must be {'numeric' if name in REALS else 'integers'}")


def _check_sizes(shapes: Shapes, sizes: Mapping[str, int]) -> None:
    for name, size in sizes.items():
        if name in shapes and (shapes[name] or (1,)) != (size,):  # earlier versions wrote single numbers
            raise ValueError(f"{name} has shape {shapes[name]}, but must have {size} numbers")


def _check_range(name: str, column: NDArray[Any], low: int, high: int) -> None:
    if column.size and not (column.min() >= low and column.max() <= high):
        raise ValueError(f"{name} ranges from {column.min()} to {column.max()}, but must be in {low}..{high}")
