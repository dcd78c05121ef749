"""The bytes of a file: unpacked, and refused where they are not a network at all."""

from __future__ import annotations

from pathlib import Path

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.unpacking import BROKEN, unpack

_PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ": "xz"}
# What people pass by mistake, and what to do instead.
_OTHERS = {
    b"%PDF": "a PDF: pass the data of its table as .csv",
    b"\x89PNG": "a picture: pass the data it was drawn from",
    b"\xff\xd8\xff": "a picture: pass the data it was drawn from",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file: save the sheet as .csv",
    b"\x89HDF": "an HDF5 file: read the array with h5py, and pass it to Graph or BipartiteGraph",
    b"MATLAB": "a MATLAB file: read the matrix with scipy.io.loadmat, and pass it to BipartiteGraph",
    b"PAR1": "a Parquet file: pass pandas.read_parquet(path) to read_graph",
    b"SQLite": "a database: pass pandas.read_sql(...) to read_graph",
    b"7z\xbc\xaf": "an archive: unpack it",
}
_ZIP = b"PK\x03\x04"


def unpacked(path: Path) -> tuple[bytes, str]:
    """Return the bytes of a file, unpacked, and its name without the suffix of the packer.

    Raises
    ------
    MissingFileError, InvalidValueError, CorruptFileError
        When there is no file, it is a directory, or it is empty, cut off or of a kind that is not a network.
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
                    f"{str(path)!r} is not a whole .{suffix} file ({error}): fetch or copy it again"
                ) from None
            name = name.removesuffix(f".{suffix}")
            break
    _refuse_others(data, name, path)
    return data, name


def _refuse_others(data: bytes, name: str, path: Path) -> None:
    if not data.strip():
        raise CorruptFileError(f"{str(path)!r} is empty: there are no links in it")
    for magic, what in _OTHERS.items():
        if data.startswith(magic):
            raise CorruptFileError(f"{str(path)!r} is {what}")
    if data.startswith(_ZIP) and b".npy" not in data[:200]:
        what = "an Excel or Office file: save the sheet as .csv" if b"xl/" in data else "an archive: unpack it"
        raise CorruptFileError(f"{str(path)!r} is {what}")
    if data[257:262] == b"ustar":
        raise CorruptFileError(f"{str(path)!r} is an archive: unpack it, and pass a file in it, as its 'out.' file")
