"""Files that run a program when unpickled; it creates a directory, which tests look for."""

import bz2
import gzip
import io
import lzma
import os
import pickle

import numpy as np
import torch


class Payload:
    """An object that creates a directory when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def payloads(mark):
    """Return the content of files of each kind that can hold a pickle, by name."""
    raw = pickle.dumps(Payload(mark))
    held = np.empty(1, dtype=object)
    held[0] = Payload(mark)
    npy, npz, by_torch, old = io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, held)
    np.savez(npz, **dict.fromkeys(("data", "indices", "indptr", "shape", "format", "kept", "layers", "train_x"), held))
    torch.save({"model": Payload(mark)}, by_torch)
    torch.save({"model": Payload(mark)}, old, _use_new_zipfile_serialization=False)
    return {
        "pickle": raw,
        "text pickle": pickle.dumps(Payload(mark), protocol=0),
        "npy": npy.getvalue(),
        "npz": npz.getvalue(),
        "torch": by_torch.getvalue(),
        "old torch": old.getvalue(),
        "gz": gzip.compress(raw),
        "bz2": bz2.compress(raw),
        "xz": lzma.compress(raw),
    }


def is_armed(mark):
    """Return whether a payload works: it creates the directory, which is removed again."""
    pickle.loads(pickle.dumps(Payload(mark)))
    there = mark.is_dir()
    mark.rmdir()
    return there
