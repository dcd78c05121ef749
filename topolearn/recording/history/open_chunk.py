"""The chunk that is being written: one file to which each update is appended, as safetensors in a frame."""

import struct
import zlib
from pathlib import Path

from topolearn.files import append_bytes, written_aside
from topolearn.read_errors import reading
from topolearn.recording.history.columns import CURE, WHAT, Columns

_FRAME = struct.Struct("<4sQI")  # a mark, the length of what follows, and its checksum
_MARK = b"topo"


class OpenChunk:
    """Updates in a file, each in a frame of its own; one that was cut off, as by a kill, does not count.

    Parameters
    ----------
    file : Path
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def append(self, columns: Columns) -> int:
        """Add an update; return the size of the file.

        Raises
        ------
        OSError
            When it cannot be written, as on a full disk; the file then is as it was.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        return append_bytes(self.file, _framed(columns))

    def read(self) -> list[Columns]:
        """Return the updates that are whole.

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
                raise ValueError(f"what follows its {len(updates)} whole updates, at byte {start}, is altered")
            return updates

    def keep(self, last: int) -> None:
        """Remove the updates after number ``last``, and what was cut off."""
        kept = [columns for columns in self.read() if int(columns["index"][0]) <= last]
        if not kept:
            self.file.unlink()
            return
        with written_aside(self.file) as aside:
            aside.write_bytes(b"".join(map(_framed, kept)))


def _content(data: bytes, start: int) -> bytes | None:
    """Return what is in the frame that begins at a byte, or None if there is no whole one."""
    if len(data) - start < _FRAME.size:
        return None
    mark, length, checksum = _FRAME.unpack_from(data, start)
    if mark != _MARK or length > len(data) - start - _FRAME.size:
        return None
    content = data[start + _FRAME.size : start + _FRAME.size + length]
    return content if zlib.crc32(content) == checksum else None


def _is_cut_off(data: bytes, start: int) -> bool:
    """Whether what begins at a byte is the beginning of a frame, as a kill leaves it, or zeros, as a power cut does."""
    rest = data[start:]
    if not rest.strip(b"\0"):
        return True
    if len(rest) < _FRAME.size:
        return rest.startswith(_MARK[: len(rest)])
    mark, length, _ = _FRAME.unpack_from(data, start)
    if mark != _MARK or length <= len(rest) - _FRAME.size:
        return False
    place = rest.find(_MARK, 1)  # a whole frame behind it would tell that its length is false
    while place >= 0 and _content(rest, place) is None:
        place = rest.find(_MARK, place + 1)
    return place < 0


def _framed(columns: Columns) -> bytes:
    from safetensors.numpy import save

    content = save(columns)
    return _FRAME.pack(_MARK, len(content), zlib.crc32(content)) + content
