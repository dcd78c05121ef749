"""Mutations of files: bytes flipped, zeroed, doubled, cut, swapped, numbers edited; each a function of a seed."""

import io
import json
import re
import struct
import zipfile
import zlib

import numpy as np

FOREIGN = (
    b"", b"\0" * 100, b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94.", b"{}", b"[]", b"null", b'{"a": 1}',
    b"PK\x05\x06" + b"\0" * 18, b"step\n", b"a,b\n1,2\n", b"\xff\xfe\x00\x01", b"[" * 100_000, b"\x1f\x8b\x08\x00",
    b"task = 'nothing'\n", struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", 2) + b"{}", b"%%MatrixMarket matrix\n",
)  # fmt: skip
NUMBERS = (b"-1", b"0", b"1", b"2147483648", b"999999999999", b"1e400", b"nan", b"inf", b"", b"true", b"null", b'"a"')
EDITS = (-1, 0, 1, 2, 7, 2**31, 10**12, 2**62)


def flipped(data, rng):
    """Flip one to eight bits."""
    data = bytearray(data)
    for place in rng.integers(len(data), size=rng.integers(1, 9)):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def zeroed(data, rng):
    """Set a run of bytes to 0."""
    start = int(rng.integers(len(data)))
    stop = min(len(data), start + int(rng.integers(1, 65)))
    return data[:start] + b"\0" * (stop - start) + data[stop:]


def cut(data, rng):
    """Leave the beginning."""
    return data[: int(rng.integers(len(data)))]


def doubled(data, rng):
    """Have a block twice."""
    start = int(rng.integers(len(data)))
    stop = min(len(data), start + int(rng.integers(1, 513)))
    return data[:stop] + data[start:]


def numbered(data, rng):
    """Write another number in place of one that is there as text, as in JSON, TOML, CSV and the headers of arrays."""
    places = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[: 2**16]))
    if not places:
        return flipped(data, rng)
    place = places[int(rng.integers(len(places)))]
    new = NUMBERS[int(rng.integers(len(NUMBERS)))] if rng.random() < 0.5 else str(rng.choice(EDITS)).encode()
    if data[8:9] == b"{" and place.start() > 8:  # safetensors: the header keeps its length
        new = new[: len(place[0])].ljust(len(place[0]))
    return data[: place.start()] + new + data[place.end() :]


def edited(data, rng):
    """Change values of one array, so that all checksums of the file itself are right."""
    if data[:2] == b"PK":
        return _edited_zip(data, rng)
    if data[:4] == b"topo":
        return _edited_frames(data, rng)
    if data[8:9] == b"{":
        return _edited_tensors(data, rng)
    return numbered(data, rng)


def _edited_zip(data, rng):
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        arrays = {name: np.lib.format.read_array(io.BytesIO(packed.read(name))) for name in packed.namelist()}
    name = sorted(arrays)[int(rng.integers(len(arrays)))]
    arrays[name] = _edited_array(arrays[name], rng)
    made = io.BytesIO()
    np.savez_compressed(made, **{name.removesuffix(".npy"): array for name, array in arrays.items()})
    return made.getvalue()


def _edited_array(array, rng):
    kind = int(rng.integers(5))
    if array.dtype.kind in "US" or kind == 0:
        return array[..., None] if kind % 2 else array.reshape(-1)[: max(array.size - 1, 0)]
    if kind == 1:
        return array.astype(np.float64)
    if kind == 2 and array.size:
        return np.concatenate([array.reshape(-1), array.reshape(-1)[:1]])
    array = array.astype(np.int64) if array.dtype.kind in "iu" and kind == 3 else array.copy()
    if array.size:
        value = rng.choice(EDITS) if array.dtype.itemsize == 8 else rng.integers(0, 100)
        array.reshape(-1)[int(rng.integers(array.size))] = value if array.ndim else 0
    return array


def _edited_frames(data, rng):
    from safetensors.numpy import load, save

    frames, start = [], 0
    while start + 16 <= len(data):
        length = struct.unpack_from("<Q", data, start + 4)[0]
        frames.append(load(data[start + 16 : start + 16 + length]))
        start += 16 + length
    frame = frames[int(rng.integers(len(frames)))]
    name = sorted(frame)[int(rng.integers(len(frame)))]
    frame[name] = _edited_array(frame[name], rng)
    contents = [save({key: np.ascontiguousarray(each) for key, each in frame.items()}) for frame in frames]
    return b"".join(struct.pack("<4sQI", b"topo", len(each), zlib.crc32(each)) + each for each in contents)


def _edited_tensors(data, rng):
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    names = sorted(name for name in header if name != "__metadata__")
    kind = int(rng.integers(4))
    name = names[int(rng.integers(len(names)))]
    if kind == 0:
        header[f"{name}x"] = header.pop(name)
    elif kind == 1:
        header[name]["dtype"] = str(rng.choice(["I64", "F64", "I32", "F32", "U8", "BOOL", "F16", "BF16"]))
    elif kind == 2 and "__metadata__" in header:
        key = next(iter(header["__metadata__"]))
        header["__metadata__"][key] = numbered(header["__metadata__"][key].encode(), rng).decode()
    else:
        first, last = header[name]["data_offsets"]
        if last > first:
            body = bytearray(body)
            place = first + int(rng.integers((last - first + 7) // 8)) * 8
            body[place : place + 8] = struct.pack("<q", int(rng.choice(EDITS)))[: last - place]
            body = bytes(body)
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    return struct.pack("<Q", len(written)) + written + body


def foreign(data, rng):
    """Put another file in its place."""
    return FOREIGN[int(rng.integers(len(FOREIGN)))]


CHANGES = {each.__name__: each for each in (flipped, zeroed, cut, doubled, numbered, edited, foreign)}
KINDS = (*CHANGES, "swapped", "removed", "made a folder")


def mutate(file, others, kind, seed):
    """Change a file of a copy in place."""
    rng = np.random.default_rng(seed)
    if kind == "removed":
        file.unlink()
    elif kind == "made a folder":
        file.unlink()
        file.mkdir()
    elif kind == "swapped":
        other = others[int(rng.integers(len(others)))]
        mine, theirs = file.read_bytes(), other.read_bytes()
        file.write_bytes(theirs)
        other.write_bytes(mine)
    else:
        data = file.read_bytes()
        file.write_bytes(CHANGES[kind](data, rng) if data else b"\0")
