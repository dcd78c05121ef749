"""IDX files made by tests, and the location of the real ones."""

import gzip
import struct
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared" / "data"
FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


def idx(array, magic=0x08):
    """Return an array as the content of an IDX file."""
    return bytes([0, 0, magic, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


def write(path, content):
    """Write a file, compressed if its name says so."""
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path
