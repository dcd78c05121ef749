"""The chunk that is being written: a file to which each update is appended as framed safetensors."""

import struct
import zlib
from pathlib import Path

from topolearn.files import append_bytes, written_aside
from topolearn.read_errors import reading
from topolearn.recording.history.columns import CURE, WHAT, Columns

_FRAME = struct.Struct("<4sQI")  # a mark, then length and checksum of the content
_MARK = b"topo"


class OpenChunk:
    """Updates in a file, each in its own frame; a last frame that was cut off, for example by a kill, is ignored.

    Parameters
    ----------
    file : Path
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def append(self, columns: Columns) -> int:
        """Append an update, and return the size of the file.

        Raises
        ------
        OSError
            When the update cannot be written, for example because the disk is full; the file is then unchanged.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        return append_bytes(self.file, _framed(columns))

    def read(self) -> list[Columns]:
        """Return all complete updates.

        Raises
        ------
        MissingFileError, CorruptFileError
            When there is no such file, or an update before the end is altered.
        """
        from safetensors.numpy import load

        with reading(self.file, WHAT, CURE):
            data, updates, start = self.file.read_bytes(), [], 0
            while (content := _content(data, start)) is not None:
                updates.append(load(content))
                start += _FRAME.size + len(content)
            if not _is_cut_off(data, start):
                raise ValueError(f"its content after {len(updates)} complete updates, at byte {start}, is altered")
            return updates

    def keep(self, last: int) -> None:
        """Remove the updates after number ``last``, and a frame that was cut off."""
        kept = [columns for columns in self.read() if int(columns["index"][0]) <= last]
        if not kept:
            self.file.unlink()
            return
        with written_aside(self.file) as aside:
            aside.write_bytes(b"".join(map(_framed, kept)))


def _content(data: bytes, start: int) -> bytes | None:
    """Return the content of the frame that starts at a byte, or None if there is no complete frame."""
    if len(data) - start < _FRAME.size:
        return None
    mark, length, checksum = _FRAME.unpack_from(data, start)
    if mark != _MARK or length > len(data) - start - _FRAME.size:
        return None
    content = data[start + _FRAME.size : start + _FRAME.size + length]
    return content if zlib.crc32(content) == checksum else None


def _is_cut_off(data: bytes, start: int) -> bool:
    """Return whether the rest from a byte on is a cut-off frame, as after a kill, or zeros, as after a power cut."""
    rest = data[start:]
    if not rest.strip(b"\0"):
        return True
    if len(rest) < _FRAME.size:
        return rest.startswith(_MARK[: len(rest)])
    mark, length, _ = _FRAME.unpack_from(data, start)
    if mark != _MARK or length <= len(rest) - _FRAME.size:
        return False
    place = rest.find(_MARK, 1)  # a complete frame after it would prove its length wrong
    while place >= 0 and _content(rest, place) is None:
        place = rest.find(_MARK, place + 1)
    return place < 0


def _framed(columns: Columns) -> bytes:
    from safetensors.numpy import save

    content = save(columns)
    return _FRAME.pack(_MARK, len(content), zlib.crc32(content)) + content
