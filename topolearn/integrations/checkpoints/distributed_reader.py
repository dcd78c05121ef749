"""Reading checkpoints of ``torch.distributed.checkpoint.save`` without running any code in them."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path, PurePath
from typing import Any

import torch
from torch.distributed.checkpoint import metadata as described
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.planner import ReadItem
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict

from topolearn.errors import CorruptFileError

METADATA = ".metadata"
MODULE = "torch.distributed.checkpoint"
CLASSES = {
    *(f"{MODULE}.metadata.{name}" for name in (
        "BytesStorageMetadata", "ChunkStorageMetadata", "Metadata", "MetadataIndex", "StorageMeta",
        "TensorProperties", "TensorStorageMetadata", "_MEM_FORMAT_ENCODING",
    )),
    f"{MODULE}.filesystem._StorageInfo",
    f"{MODULE}.filesystem._StoragePrefix",
    "torch.Size",
    "torch.serialization._get_layout",
    "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath",
    "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    "collections.OrderedDict",
}  # fmt: skip
DTYPES = {str(each) for each in vars(torch).values() if isinstance(each, torch.dtype)}  # as "torch.float32"
BROKEN = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError)


def read_distributed(folder: Path) -> dict[str, Any]:
    """Return the contents of a checkpoint of any number of ranks by top-level key, on the CPU.

    The metadata is a pickle, in which only the few classes that torch writes there are allowed; only tensors and plain
    values are read.

    Raises
    ------
    CorruptFileError
        When it is cut off, is not such a checkpoint, or contains objects that could run code.
    """
    values: dict[str, Any] = {}
    reader = _Reader(folder)
    reader.read_metadata()  # raises one-line errors, which torch would wrap
    try:
        _load_state_dict(values, storage_reader=reader, planner=_Planner(), no_dist=True)
    except (CheckpointException, *BROKEN, RuntimeError, OSError) as error:
        raise CorruptFileError(
            f"{folder} is cut off, or not a checkpoint of tensors and plain values ({_reason(error)}): save it again "
            "with torch.distributed.checkpoint.save"
        ) from None
    return values


def _reason(error: BaseException) -> str:
    """Return torch's error message in one line, without what wraps it."""
    if isinstance(error, CheckpointException) and error.failures:
        error = next(iter(error.failures.values()))[0]
    words = " ".join(str(error).split()) or type(error).__name__
    return words.rpartition("WeightsUnpickler error: ")[2][:200]


class _Unpickler(pickle.Unpickler):
    """Unpickles only the classes that occur in the metadata of checkpoints."""

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed class."""
        full = f"{module}.{name}"
        if full not in CLASSES and full not in DTYPES:
            raise pickle.UnpicklingError(f"it refers to {full}, which does not describe tensors")
        return super().find_class(module, name)


class _Reader(FileSystemReader):
    """A reader that unpickles metadata with `_Unpickler`, and only reads files in its folder."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> described.Metadata:
        """Return the metadata of a checkpoint."""
        file = Path(self.path) / METADATA
        try:
            content = _Unpickler(io.BytesIO(file.read_bytes())).load()
            places = [PurePath(each.relative_path) for each in content.storage_data.values()]
        except BROKEN as error:
            raise CorruptFileError(f"{file} does not describe a checkpoint ({error}): save it again") from None
        for place in places:
            if place.is_absolute() or ".." in re.split(r"[/\\]", str(place)):
                raise CorruptFileError(f"{file} names {str(place)!r}, which is not in its folder: save it again")
        if getattr(content, "storage_meta", None) is None:
            content.storage_meta = described.StorageMeta()
        content.storage_meta.load_id = self.load_id
        return content


class _Planner(_EmptyStateDictLoadPlanner):
    """A planner that only loads tensors and plain values."""

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        """Load a value that is not a tensor."""
        plain = io.BytesIO()
        torch.save(torch.load(value, map_location="cpu", weights_only=True), plain)  # raises for anything else
        plain.seek(0)
        super().load_bytes(read_item, plain)
