"""CIFAR-10: 60,000 colour photographs of 32 x 32 pixels, from the official archive."""

import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np

from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.read_errors import reading
from topolearn.training.data.dataset import TEST, TRAIN, Dataset, from_arrays

ARCHIVE, SHA256 = "cifar-10-python.tar.gz", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
MEMBERS = {
    TRAIN: tuple(f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6)),
    TEST: ("cifar-10-batches-py/test_batch",),
}


def load_cifar10(folder: Path) -> Dataset:
    """Read CIFAR-10 from a folder with its archive ``cifar-10-python.tar.gz``; pixels stay uint8.

    An image is 3,072 features: its red, green and blue plane, each row by row.

    Raises
    ------
    MissingFileError, CorruptFileError
        When the archive is missing, cut off, or has other content.

    References
    ----------
    Krizhevsky (2009), "Learning multiple layers of features from tiny images".
    """
    archive = folder / ARCHIVE
    if not archive.is_file():
        raise MissingFileError(
            f"CIFAR-10 needs {ARCHIVE} in {folder}: put the file there, pass its folder with data_dir=..., or see "
            "'topolearn download --help'; for the copy in JPEG files, use the data set 'cifar10_jpeg'"
        )
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise CorruptFileError(f"{archive} is cut off or a different archive: its checksum differs; get it again")
    arrays = {}
    with (
        reading(archive, "the archive of CIFAR-10", "get it again"),
        tarfile.open(fileobj=io.BytesIO(content)) as opened,
    ):
        for split, names in MEMBERS.items():
            batches = [_batch(opened, name) for name in names]
            arrays[f"{split}_x"] = np.concatenate([x for x, _ in batches])
            arrays[f"{split}_y"] = np.concatenate([y for _, y in batches])
    return from_arrays("cifar10", arrays)


def _batch(opened: tarfile.TarFile, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels and labels of a batch: a pickle, which is safe because the archive's checksum is right."""
    file = opened.extractfile(name)
    assert file is not None, "it is a regular file"
    batch = pickle.load(file, encoding="bytes")
    return batch[b"data"], np.array(batch[b"labels"])
