"""Checkpoints: the complete state of a training in one safetensors file, written atomically."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from topolearn.errors import CheckpointError, MissingFileError
from topolearn.evolution import TopologyScheduler
from topolearn.evolution.scheduling.state import TENSORS
from topolearn.files import written_aside
from topolearn.read_errors import reading
from topolearn.sparse.weights.packed_links import KEY
from topolearn.training.checkpoint_checks import check_random_state, check_values, optimizer_states

_HEADER, _CHECKSUM = "topolearn", "sha256"  # of the metadata; earlier checkpoints have no checksum
WHAT = "a complete topolearn checkpoint"
CURE = "restore it from a copy, or remove it"


def save_checkpoint(
    path: Path, model: nn.Module, optimizer: Optimizer, topology: TopologyScheduler, counters: Mapping[str, Any],
    *, generator: torch.Generator = torch.default_generator,
) -> None:  # fmt: skip
    """Save model, optimizer, links, a random state and counters.

    Parameters
    ----------
    path : Path
        The file, which is replaced atomically.
    model, optimizer, topology
        The objects to save.
    counters : Mapping
        Plain values, such as the epoch.
    generator : torch.Generator
        The generator whose state is saved; default torch's global one.

    Raises
    ------
    OSError
        When the file cannot be written, for example because the disk is full; an existing file is kept.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    state = topology.state_dict()
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    for i, entries in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{i}/{key}": value for key, value in entries.items() if isinstance(value, Tensor)}
    of_links = {key: state[key] for key in TENSORS if key in state}
    tensors |= {f"{key}/{name}": tensor for key, by_layer in of_links.items() for name, tensor in by_layer.items()}
    tensors["random/torch"] = generator.get_state()
    header = {
        "counters": dict(counters),
        "topology": {key: value for key, value in state.items() if key not in of_links},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        text = json.dumps(header)
        metadata = {_HEADER: text, _CHECKSUM: checksum(tensors, text)}
        try:
            save_file(tensors, aside, metadata=metadata)
        except SafetensorError as error:
            raise _of_the_system(error, path) from error


def _of_the_system(error: Exception, path: Path) -> Exception:
    """Return the system error behind a safetensors error, which has the error number only in its text."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1])), str(path)) if number else error


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: Optimizer, topology: TopologyScheduler,
    *, generator: torch.Generator = torch.default_generator,
) -> dict[str, Any]:  # fmt: skip
    """Restore a checkpoint of `save_checkpoint`, including the state of a generator, and return its counters.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, it is cut off, or it is not a checkpoint.
    CheckpointError
        When it belongs to a model with other layers or shapes; nothing is changed then.
    """
    tensors, header = read_checkpoint(path)
    weights = under_prefix(tensors, "model/")
    links = under_prefix(tensors, "links/")
    of_links = {key: by_layer for key in TENSORS if (by_layer := under_prefix(tensors, f"{key}/")) or not links}
    with reading(path, WHAT, CURE):
        check_shapes(path, weights, model, csr=links)
        check_values(weights, model.state_dict())
        states = optimizer_states(under_prefix(tensors, "optimizer/"), optimizer, weights, model)
        check_random_state(tensors["random/torch"])
        topology.load_state_dict({**header["topology"], **of_links})
        model.load_state_dict(weights)
        optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
        generator.set_state(tensors["random/torch"])
    return dict(header["counters"])


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the header of a checkpoint file.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, it is cut off or damaged, or it is not a checkpoint.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise MissingFileError(f"there is no checkpoint {path}")
    with reading(path, WHAT, CURE), safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        header = json.loads(metadata[_HEADER])
        for key in ("counters", "topology"):
            if not isinstance(header[key], dict):
                raise ValueError(f"its entry {key!r} is a {type(header[key]).__name__}")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        # The manifest does not know a checkpoint that was just being replaced when the run was killed.
        if metadata.get(_CHECKSUM, "") not in ("", checksum(tensors, metadata[_HEADER])):
            raise ValueError("its numbers are not those that were written")
        return tensors, header


def checksum(tensors: Mapping[str, Tensor], header: str) -> str:
    """Return the SHA-256 sum of a header and of tensors on the CPU, with their names, dtypes and shapes.

    Examples
    --------
    >>> checksum({"a": torch.zeros(2)}, "") == checksum({"a": torch.zeros(2)}, "") != checksum({}, "")
    True
    """
    total = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def under_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, without the prefix."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def check_shapes(
    path: Path, weights: Mapping[str, Tensor], model: nn.Module, csr: Mapping[str, Tensor] | None = None
) -> None:
    """Raise if the names or shapes of weights are not those of the model; its csr layers may have other links."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for name in [name for name in expected if name.endswith(KEY) and name not in weights]:
        del expected[name]  # older checkpoints store the links of masked layers only with the topology
    saved = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for layer, cells in (csr or {}).items():
        for name in (f"{layer}.values", f"{layer}.col"):
            if name in expected:
                expected[name] = (cells.numel(),)
    for name in sorted(expected.keys() | saved.keys()):
        if expected.get(name) != saved.get(name):
            raise CheckpointError(
                f"{path} does not fit the model: {name} is {saved.get(name, 'missing')} in the checkpoint, but "
                f"{expected.get(name, 'missing')} in the model; resume with the configuration that it was saved with"
            )
