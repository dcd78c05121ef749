"""IDX files, the format of MNIST: read, and checked against the checksum of what they should hold."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

from topolearn.errors import CorruptFileError, MissingFileError

_UNSIGNED_BYTES = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, compressed by gzip or not.

    Parameters
    ----------
    path : Path

    Returns
    -------
    numpy.ndarray of uint8, with the shape that the file states

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, or it is cut off or not an IDX file of unsigned bytes.
    """
    return _parse(path, _content(path))


def read_idx_set(folder: Path, checksums: dict[str, str], title: str) -> dict[str, np.ndarray]:
    """Read the files of a data set, each as ``NAME`` or ``NAME.gz``, and verify their content.

    Parameters
    ----------
    folder : Path
    checksums : dict of str to str
        The sha256 of each uncompressed file, by its name.
    title : str
        Name of the data set, for messages.

    Raises
    ------
    MissingFileError
        When files are missing; names all of them and the folder.
    CorruptFileError
        When a file is cut off or holds something else.
    """
    paths = {name: _find(folder, name) for name in checksums}
    missing = [f"{name}.gz" for name, path in paths.items() if path is None]
    if missing:
        raise MissingFileError(
            f"{title} needs {', '.join(missing)} (or without .gz) in {folder}: "
            "put the files there, or name their folder with --data-dir"
        )
    arrays = {}
    for name, path in paths.items():
        assert path is not None
        content = _content(path)
        arrays[name] = _parse(path, content)
        if hashlib.sha256(content).hexdigest() != checksums[name]:
            raise CorruptFileError(f"{path} is not the {title} file {name}: its checksum differs; get it again")
    return arrays


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise MissingFileError(f"there is no IDX file {path}")
    raw = path.read_bytes()
    if path.suffix != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise CorruptFileError(f"{path} is cut off or not gzip ({error}): get it again") from None


def _parse(path: Path, content: bytes) -> np.ndarray:
    n_dims = content[3] if len(content) >= 4 else 0
    if content[:3] != bytes([0, 0, _UNSIGNED_BYTES]) or len(content) < 4 + 4 * n_dims:
        raise CorruptFileError(f"{path} is not an IDX file of unsigned bytes: get it again")
    shape = tuple(np.frombuffer(content, ">i4", count=n_dims, offset=4).tolist())
    data = content[4 + 4 * n_dims :]
    if len(data) != math.prod(shape):
        raise CorruptFileError(
            f"{path} is cut off: it should hold {math.prod(shape)} bytes of shape {shape} and holds {len(data)}"
        )
    return np.frombuffer(data, np.uint8).reshape(shape)
