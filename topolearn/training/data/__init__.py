"""Data sets, held in memory: bundled digits, MNIST from its files, and arrays of your own."""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.registry import Registry
from topolearn.training.data.dataset import Dataset, from_arrays
from topolearn.training.data.digits import load_digits
from topolearn.training.data.idx import read_idx
from topolearn.training.data.mnist import load_mnist

__all__ = ["DATASETS", "Dataset", "DatasetSource", "from_arrays", "load_dataset", "read_idx"]

DEFAULT_DIR = Path("data")


@dataclass(frozen=True)
class DatasetSource:
    """Where a data set comes from, and what it is.

    Attributes
    ----------
    load : callable
        Takes the folder of the data set's files and returns the `Dataset`.
    bundled : bool
        Whether it needs no files.
    description : str
    """

    load: Callable[[Path], Dataset]
    bundled: bool
    description: str


DATASETS: Registry[DatasetSource] = Registry(
    "data set",
    {
        "digits": DatasetSource(lambda _: load_digits(), True, "1,437 + 360 digits of 8 x 8 pixels, 10 classes"),
        "mnist": DatasetSource(load_mnist, False, "60,000 + 10,000 digits of 28 x 28 pixels, 10 classes; IDX files"),
    },
)


def load_dataset(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Return a data set by its name, or from an ``.npz`` file with train_x, train_y, test_x and test_y.

    Parameters
    ----------
    name : str
        One of `DATASETS`, or the path of an ``.npz`` file.
    data_dir : path, optional
        The folder that holds the files of the data set; default ``data/NAME``.

    Raises
    ------
    UnknownNameError, MissingFileError, CorruptFileError, InvalidValueError
        When there is no such data set, or its files are missing or unusable.

    Examples
    --------
    >>> load_dataset("digits").train_x.shape
    torch.Size([1437, 64])
    """
    if name.endswith(".npz"):
        return _load_npz(Path(name))
    return DATASETS[name].load(Path(data_dir) if data_dir is not None else DEFAULT_DIR / name)


def _load_npz(path: Path) -> Dataset:
    if not path.is_file():
        raise MissingFileError(f"there is no data file {path}: name an .npz file, or one of {', '.join(DATASETS)}")
    try:
        with zipfile.ZipFile(path):  # np.load takes other files too
            pass
        with np.load(path, allow_pickle=False) as arrays:
            content = dict(arrays)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptFileError(f"{path} is not a readable .npz file of numbers: {error}") from None
    return from_arrays(path.stem, content)
