"""Open a file: decompress it, and reject it if it cannot be a network."""

from __future__ import annotations

from pathlib import Path

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.unpacking import BROKEN, unpack

_PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ": "xz"}
# Files that people pass by mistake, and what to do instead.
_OTHERS = {
    b"%PDF": "a PDF: export its table as .csv",
    b"\x89PNG": "an image: pass the data behind it",
    b"\xff\xd8\xff": "an image: pass the data behind it",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file: save the sheet as .csv",
    b"\x89HDF": "an HDF5 file: read it with h5py; pass the array to Graph.from_adjacency or BipartiteGraph",
    b"MATLAB": "a MATLAB file: read it with scipy.io.loadmat; pass the array to Graph.from_adjacency or BipartiteGraph",
    b"PAR1": "a Parquet file: pass pandas.read_parquet(path) to read_graph",
    b"SQLite": "a database: pass pandas.read_sql(...) to read_graph",
    b"7z\xbc\xaf": "an archive: unpack it",
}
_ZIP = b"PK\x03\x04"


def unpacked(path: Path) -> tuple[bytes, str]:
    """Return the decompressed bytes of a file, and its name without the suffix of the compression.

    Raises
    ------
    MissingFileError, InvalidValueError, CorruptFileError
        When the file does not exist, is a directory, or is empty, truncated or not a network.
    """
    if path.is_dir():
        inside = sorted(each.name for each in path.iterdir() if each.is_file())
        hint = f", such as {inside[0]!r}" if inside else ""
        raise InvalidValueError(f"{str(path)!r} is a directory: pass a file in it{hint}")
    if not path.exists():
        raise MissingFileError(f"there is no file {str(path)!r}: check the path")
    data, name = path.read_bytes(), path.name
    for magic, suffix in _PACKED.items():
        if data.startswith(magic):
            try:
                data = unpack(data, suffix)
            except BROKEN as error:
                raise CorruptFileError(
                    f"{str(path)!r} is not a complete .{suffix} file ({error}): download or copy it again"
                ) from None
            name = name.removesuffix(f".{suffix}")
            break
    _reject_others(data, name, path)
    return data, name


def _reject_others(data: bytes, name: str, path: Path) -> None:
    if not data.strip():
        raise CorruptFileError(f"{str(path)!r} is empty: it has no links")
    for magic, what in _OTHERS.items():
        if data.startswith(magic):
            raise CorruptFileError(f"{str(path)!r} is {what}")
    if data.startswith(_ZIP) and b".npy" not in data[:200]:
        what = "an Excel or Office file: save the sheet as .csv" if b"xl/" in data else "an archive: unpack it"
        raise CorruptFileError(f"{str(path)!r} is {what}")
    if data[257:262] == b"ustar":
        raise CorruptFileError(
            f"{str(path)!r} is an archive: unpack it, and pass a file from it, such as the 'out.' file of KONECT"
        )
