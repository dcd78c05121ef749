"""`topology.safetensors`: links and the state of a scheduler, next to weights that any program can read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from topolearn.believable import check_sizes
from topolearn.errors import MissingFileError
from topolearn.evolution.scheduling.state import OF_LAYERS
from topolearn.files import written_aside
from topolearn.graph import BipartiteGraph
from topolearn.read_errors import reading
from topolearn.sparse.weights.packed_links import BITS, packed, unpacked

FILE = "topology.safetensors"
HEADER = "topolearn"
CURE = "use another checkpoint"
State = Mapping[str, Any]


def save_topology(folder: Path, state: State, about: Mapping[str, Any]) -> None:
    """Write the state of a scheduler into a folder, which is created if necessary.

    Cells are written as bits, with a row of bytes per output neuron; nothing is pickled.

    Parameters
    ----------
    folder : Path
    state : Mapping
        The state from `topolearn.TopologyScheduler.state_dict`, or a part of it.
    about : Mapping
        Plain values to store with it, such as the name of the method.

    Raises
    ------
    OSError
        When it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_topology(folder, {"n_steps": 3, "shapes": {"fc": (2, 3)}, "links": {"fc": torch.tensor([0, 4])}}, {})
    >>> read_topology(folder)[0]
    {'n_steps': 3, 'shapes': {'fc': [2, 3]}, 'links': {'fc': tensor([0, 4])}}
    """
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for key, value in state.items():
        row = OF_LAYERS.get(key)
        if row is None or row.holds == "shape":
            plain[key] = value
            continue
        for name, tensor in value.items():
            kept = _bits(tensor, state["shapes"][name]) if row.is_cells else tensor
            tensors[f"{key}/{name}"] = kept.detach().cpu().contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(folder / FILE) as aside:
        save_file(tensors, aside, metadata={HEADER: json.dumps({"state": plain, "about": dict(about)})})


def read_topology(folder: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state and the `about` values that `save_topology` wrote into a folder.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is none, or it is cut off or was written by another program.
    """
    with _opened(folder) as (file, header):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        return _state_of(tensors, header["state"]), header["about"]


def saved_shapes(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the shape (n_out, n_in) of each layer whose links `save_topology` wrote into a folder.

    Raises
    ------
    MissingFileError, CorruptFileError
        As for `read_topology`.
    """
    with _opened(folder) as (_, header):
        return {name: (n_out, n_in) for name, (n_out, n_in) in header["state"]["shapes"].items()}


def saved_graph(folder: Path, name: str) -> BipartiteGraph:
    """Return the graph of a layer that `save_topology` wrote into a folder, without reading anything else.

    Raises
    ------
    MissingFileError, CorruptFileError
        As for `read_topology`, or when there is no such layer.
    """
    with _opened(folder) as (file, header):
        bits = file.get_tensor(f"links/{name}")
        return BipartiteGraph(checked_mask(bits, header["state"]["shapes"][name], f"links/{name}"))


@contextmanager
def _opened(folder: str | Path) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Open the file in a folder, and yield it with its header."""
    path = Path(folder) / FILE
    if not path.is_file():
        raise MissingFileError(
            f"there is no {FILE} in {folder}, so its links are unknown: it was not saved by a trainer with topolearn "
            "attached"
        )
    with reading(path, "whole, or was not written by topolearn", CURE), safe_open(path, framework="pt") as file:
        header = json.loads((file.metadata() or {})[HEADER])
        _check_header(header)
        yield file, header


def _check_header(header: Any) -> None:
    for key in ("state", "about"):
        if not isinstance(header[key], dict):
            raise ValueError(f"its {key} is a {type(header[key]).__name__}")
    for name, shape in header["state"].get("shapes", {}).items():
        check_sizes(name, shape)


def checked_mask(bits: Tensor, shape: Sequence[int], what: str) -> Tensor:
    """Return the unpacked mask; raise for bits of another shape, or beyond the last input.

    Raises
    ------
    ValueError
    """
    n_out, n_in = shape
    expected = (n_out, -(-n_in // BITS))
    if bits.dtype != torch.uint8 or tuple(bits.shape) != expected:
        raise ValueError(f"{what} is {bits.dtype} of shape {tuple(bits.shape)}, not uint8 of {expected}")
    mask = unpacked(bits, expected[1] * BITS)
    if bool(mask[:, n_in:].any()):
        raise ValueError(f"{what} has links from inputs beyond the last, {n_in - 1}")
    return mask[:, :n_in]


def _state_of(tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = dict(plain)
    if not plain.get("shapes"):  # without layers, no tensors were saved
        state |= {key: {} for key, row in OF_LAYERS.items() if row.holds != "shape"}
    for path, tensor in tensors.items():
        key, _, name = path.partition("/")
        shape = plain["shapes"][name]
        is_cells = OF_LAYERS[key].is_cells
        value = checked_mask(tensor, shape, path).flatten().nonzero().squeeze(1) if is_cells else tensor
        state.setdefault(key, {})[name] = value
    return state


def _bits(cells: Tensor, shape: tuple[int, int]) -> Tensor:
    mask = torch.zeros(shape[0] * shape[1], dtype=torch.bool)
    mask[cells.cpu()] = True
    return packed(mask.view(tuple(shape)))
