"""Reads IDX files, the format of MNIST, and verifies their checksums."""

import hashlib
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.read_errors import reading
from topolearn.unpacking import BROKEN, unpack

_UNSIGNED_BYTES = 0x08
KINDS = {"gz": "a gzip", "bz2": "a bzip2", "xz": "an xz"}


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, which may be compressed with gzip.

    Parameters
    ----------
    path : Path

    Returns
    -------
    numpy.ndarray of uint8
        The array, with the shape that the file states.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, it is cut off, or it is not an IDX file of unsigned bytes.
    """
    return _parse(path, _content(path))


def read_idx_set(folder: Path, checksums: Mapping[str, str | None], title: str) -> dict[str, np.ndarray]:
    """Read the files of a data set, each ``NAME`` or ``NAME.gz``, and verify their content.

    Parameters
    ----------
    folder : Path
    checksums : mapping of str to str or None
        The sha256 of each uncompressed file, by its name; None if it is not known.
    title : str
        Name of the data set, for messages.

    Raises
    ------
    MissingFileError
        When files are missing; the message names all of them and the folder.
    CorruptFileError
        When a file is cut off or has other content.
    """
    paths = {name: find_idx(folder, name) for name in checksums}
    missing = [f"{name}.gz" for name, path in paths.items() if path is None]
    if missing:
        raise MissingFileError(
            f"{title} needs {', '.join(missing)} (or without .gz) in {folder}: "
            "put the files there, pass their folder with data_dir=..., or see 'topolearn download --help'"
        )
    arrays = {}
    for name, path in paths.items():
        assert path is not None
        content = _content(path)
        arrays[name] = _parse(path, content)
        if checksums[name] not in (None, hashlib.sha256(content).hexdigest()):
            raise CorruptFileError(f"{path} is not the {title} file {name}: its checksum differs; get it again")
    return arrays


def read_idx_archive(archive: Path, md5: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read IDX files from a zip archive that contains each of them as ``gzip/NAME.gz``.

    Raises
    ------
    CorruptFileError
        When the archive is cut off or has other content.
    """
    with archive.open("rb") as file:
        if hashlib.file_digest(file, "md5").hexdigest() != md5:
            raise CorruptFileError(f"{archive} is cut off or a different archive: its checksum differs; get it again")
    members = {name: f"gzip/{name}.gz" for name in names}
    with reading(archive, "the archive of a data set", "get it again"), zipfile.ZipFile(archive) as opened:
        return {
            name: _parse(archive / member, unpacked(archive / member, opened.read(member)))
            for name, member in members.items()
        }


def find_idx(folder: Path, name: str) -> Path | None:
    """Return the path of a file that exists as ``NAME.gz`` or ``NAME``, or None."""
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise MissingFileError(f"there is no IDX file {path}")
    with reading(path, "a readable IDX file", "get it again"):
        raw = path.read_bytes()
    return unpacked(path, raw) if path.suffix == ".gz" else raw


def unpacked(path: Path, raw: bytes, packer: str = "gz") -> bytes:
    """Return the content of a packed file of a data set; see `topolearn.unpacking.unpack`.

    Raises
    ------
    CorruptFileError
        When it is cut off, of another format, or made to fill the memory.
    """
    try:
        return unpack(raw, packer)
    except BROKEN as error:
        raise CorruptFileError(f"{path} is cut off, or not {KINDS[packer]} file ({error}): get it again") from None


def _parse(path: Path, content: bytes) -> np.ndarray:
    n_dims = content[3] if len(content) >= 4 else 0
    if content[:3] != bytes([0, 0, _UNSIGNED_BYTES]) or len(content) < 4 + 4 * n_dims:
        raise CorruptFileError(f"{path} is not an IDX file of unsigned bytes: get it again")
    shape = tuple(np.frombuffer(content, ">i4", count=n_dims, offset=4).tolist())
    data = content[4 + 4 * n_dims :]
    if min(shape, default=0) < 0 or len(data) != math.prod(shape):
        raise CorruptFileError(
            f"{path} is cut off: it should hold {math.prod(shape)} bytes of shape {shape}, but holds {len(data)}"
        )
    return np.frombuffer(data, np.uint8).reshape(shape)
