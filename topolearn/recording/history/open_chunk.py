"""The chunk that is being written: one file to which each update is appended, as safetensors in a frame."""

import struct
import zlib
from pathlib import Path

from topolearn.files import append_bytes, written_aside
from topolearn.recording.history.columns import Columns

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
        """Return the updates that are whole."""
        from safetensors.numpy import load

        data, updates, start = self.file.read_bytes(), [], 0
        while start + _FRAME.size <= len(data):
            mark, length, checksum = _FRAME.unpack_from(data, start)
            content = data[start + _FRAME.size : start + _FRAME.size + length]
            if mark != _MARK or len(content) < length or zlib.crc32(content) != checksum:
                break
            updates.append(load(content))
            start += _FRAME.size + length
        return updates

    def keep(self, last: int) -> None:
        """Remove the updates after number ``last``, and what was cut off."""
        kept = [columns for columns in self.read() if int(columns["index"][0]) <= last]
        if not kept:
            self.file.unlink()
            return
        with written_aside(self.file) as aside:
            aside.write_bytes(b"".join(map(_framed, kept)))


def _framed(columns: Columns) -> bytes:
    from safetensors.numpy import save

    content = save(columns)
    return _FRAME.pack(_MARK, len(content), zlib.crc32(content)) + content
