"""Weights in safetensors files, one file or several shards, read tensor by tensor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor

from topolearn.errors import CorruptFileError, InvalidTypeError, InvalidValueError, MissingFileError
from topolearn.files import read_json
from topolearn.integrations.checkpoints.topology_file import FILE as TOPOLOGY
from topolearn.read_errors import reading
from topolearn.recording.plan import is_run

SUFFIX, INDEX, USUAL = ".safetensors", ".safetensors.index.json", "model"
FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


class StoredTensor(NamedTuple):
    """The file, shape and dtype of a tensor; ``dtype`` as safetensors writes it, such as ``"BF16"``."""

    file: Path
    shape: tuple[int, ...]
    dtype: str

    @property
    def is_float(self) -> bool:
        """Whether the tensor has floating-point numbers."""
        return self.dtype in FLOATS


class WeightFiles:
    """The tensors of a checkpoint by name, in natural order; each is read on request.

    Parameters
    ----------
    files : sequence of Path
        Safetensors files that belong together.

    Raises
    ------
    CorruptFileError
        When one of them is cut off or in another format.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        stored: dict[str, StoredTensor] = {}
        for path in files:
            try:
                with safe_open(path, framework="pt") as file:
                    for name in file.keys():  # noqa: SIM118  # not a dict
                        piece = file.get_slice(name)
                        stored[name] = StoredTensor(path, tuple(piece.get_shape()), str(piece.get_dtype()))
            except (SafetensorError, OSError) as error:
                raise CorruptFileError(
                    f"{path} is cut off, or not a safetensors file ({error}): fetch it again"
                ) from None
        self.stored = {name: stored[name] for name in sorted(stored, key=_natural)}

    def read(self, name: str) -> Tensor:
        """Read a tensor."""
        path = self.stored[name].file
        with reading(path, f"readable where it has {name}", "fetch it again"), safe_open(path, framework="pt") as file:
            return file.get_tensor(name)


def files_of(path: Path) -> list[Path]:
    """Return the safetensors files of a checkpoint: a file, an index of shards, or a folder of these.

    Raises
    ------
    MissingFileError, CorruptFileError, InvalidTypeError, InvalidValueError
        When there are none, a shard is missing, the index is invalid, weights are pickled, or it is unclear which of
        several files is meant.
    """
    if path.is_dir():
        return _files_in(path)
    if not path.exists():
        raise MissingFileError(f"there is no file or folder {str(path)!r}: check the path")
    if path.name == TOPOLOGY:
        return _files_in(path.parent)
    if path.name.endswith(INDEX):
        return _shards(path)
    if path.suffix in PICKLES:
        raise _error_for_pickles(path, str(path))
    if path.suffix != SUFFIX:
        raise InvalidTypeError(f"{path} is not a supported checkpoint: give a .safetensors file, or its folder")
    return [path]


def _files_in(folder: Path) -> list[Path]:
    indices = {each.name: each for each in sorted(folder.glob(f"*{INDEX}"))}
    files = {each.name: each for each in sorted(folder.glob(f"*{SUFFIX}")) if each.name != TOPOLOGY}
    if f"{USUAL}{INDEX}" in indices:
        return _shards(indices[f"{USUAL}{INDEX}"])
    if f"{USUAL}{SUFFIX}" in files:
        return [files[f"{USUAL}{SUFFIX}"]]
    if len(indices) == 1:
        return _shards(*indices.values())
    if len(indices or files) > 1:
        raise InvalidValueError(f"{folder} contains several checkpoints: give one of {', '.join(indices or files)}")
    if files:
        return list(files.values())
    pickled = sorted(each.name for each in folder.iterdir() if each.suffix in PICKLES)
    if pickled:
        raise _error_for_pickles(folder / pickled[0], f"{folder} has {', '.join(pickled)} and no .safetensors file")
    if is_run(folder):
        raise InvalidValueError(f"{folder} is a run, whose history has the graphs: use tl.Run({str(folder)!r}).history")
    raise MissingFileError(f"there is no .safetensors file in {folder}: give the folder of a checkpoint, or a file")


def _shards(index: Path) -> list[Path]:
    """Return the shards that an index names; raise if one is missing."""
    shards = read_json(index).get("weight_map")
    names = set(shards.values()) if isinstance(shards, dict) else set()
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise CorruptFileError(f"{index} names no shards in its own folder in its weight_map: fetch it again")
    missing = sorted(name for name in names if not (index.parent / name).is_file())
    if missing:
        raise MissingFileError(
            f"{index} names {len(names)} files, and {len(missing)} are missing ({missing[0]}): fetch these, or give "
            "a single shard"
        )
    return [index.parent / name for name in sorted(names)]


def _error_for_pickles(path: Path, what: str) -> InvalidTypeError:
    return InvalidTypeError(
        f"{what}: pickles are not read, as opening a pickle can run any program. If you trust it, load it and save its "
        f"content with safetensors.torch.save_file(state_dict, {str(path.with_suffix(SUFFIX).name)!r})"
    )


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts ``layers.2`` before ``layers.10``, and a module before what is in it."""
    return [(not word.isdigit(), int(word) if word.isdigit() else 0, word) for word in re.split(r"[./]", name)]
