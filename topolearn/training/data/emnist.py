"""EMNIST balanced: 131,600 handwritten digits and letters of 28 x 28 pixels, from its four IDX files."""

from pathlib import Path

import numpy as np

from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.training.data.dataset import TEST, TRAIN, Dataset, from_arrays
from topolearn.training.data.idx import find_idx, read_idx_archive, read_idx_set

FILES = (
    "emnist-balanced-train-images-idx3-ubyte",
    "emnist-balanced-train-labels-idx1-ubyte",
    "emnist-balanced-test-images-idx3-ubyte",
    "emnist-balanced-test-labels-idx1-ubyte",
)
ARCHIVE, ARCHIVE_MD5 = "gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e"
SIDE = 28  # pixels
N_CLASSES = 47
PER_CLASS = {TRAIN: 2400, TEST: 400}


def load_emnist_balanced(folder: Path) -> Dataset:
    """Read the balanced split of EMNIST from a folder; pixels stay uint8.

    The files store each image transposed; here the images are upright, as in MNIST. The four files of the split are
    read, or if any of them is missing, the official archive ``gzip.zip`` of all splits.

    For the archive, the published checksum (md5) is verified. There are no published checksums for the single files, so
    only their format, shape and number of images in each class are checked, and altered images go unnoticed. If that
    matters, use the archive. A run detects later whether the data it was trained on has changed.

    Raises
    ------
    MissingFileError, CorruptFileError
        When files are missing, cut off, or not those of the balanced split.

    References
    ----------
    Cohen, Afshar, Tapson, van Schaik (2017), "EMNIST: an extension of MNIST to handwritten letters".
    """
    files = _read(folder)
    _check(folder, files)
    train_x, train_y, test_x, test_y = files.values()
    upright = {"train_x": train_x.transpose(0, 2, 1), "test_x": test_x.transpose(0, 2, 1)}
    return from_arrays("emnist_balanced", {**upright, "train_y": train_y, "test_y": test_y})


def _read(folder: Path) -> dict[str, np.ndarray]:
    is_whole = all(find_idx(folder, name) for name in FILES)
    if not is_whole and (folder / ARCHIVE).is_file():
        return read_idx_archive(folder / ARCHIVE, ARCHIVE_MD5, FILES)
    try:
        return read_idx_set(folder, dict.fromkeys(FILES), "EMNIST balanced")
    except MissingFileError as error:
        raise MissingFileError(f"{error}; the archive {ARCHIVE} of all splits works as well") from None


def _check(folder: Path, files: dict[str, np.ndarray]) -> None:
    for name, array in files.items():
        split = TRAIN if "-train-" in name else TEST
        n, each = N_CLASSES * PER_CLASS[split], PER_CLASS[split]
        expected = (n, SIDE, SIDE) if "-images-" in name else (n,)
        if array.shape != expected:
            raise CorruptFileError(
                f"{name} in {folder} has shape {array.shape}, but EMNIST balanced has {expected}: get it again"
            )
        if "-labels-" in name and np.bincount(array, minlength=N_CLASSES).tolist() != [each] * N_CLASSES:
            raise CorruptFileError(
                f"{name} in {folder} does not have {each:,} images in each of the classes 0 to {N_CLASSES - 1}, as "
                "EMNIST balanced has: get it again"
            )
