"""`load_dataset`: loads a data set by its name, or from an .npz file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from topolearn.errors import MissingFileError, UnknownNameError
from topolearn.graph.stored_arrays import read_npz
from topolearn.read_errors import reading
from topolearn.registry import Registry, suggest
from topolearn.training.data.cifar10 import load_cifar10
from topolearn.training.data.cifar10_jpeg import load_cifar10_jpeg
from topolearn.training.data.dataset import Dataset, from_arrays
from topolearn.training.data.digits import load_digits
from topolearn.training.data.emnist import load_emnist_balanced
from topolearn.training.data.fashion_mnist import load_fashion_mnist
from topolearn.training.data.mnist import load_mnist
from topolearn.training.data.validation import VALIDATION, hold_out

DEFAULT_DIR = Path("data")


@dataclass(frozen=True)
class DatasetSource:
    """A registered data set: how to load it, and its description.

    Attributes
    ----------
    load : callable
        Takes the folder of the data set's files and returns the `Dataset`.
    bundled : bool
        Whether it needs no files.
    description : str
        A one-line description.
    """

    load: Callable[[Path], Dataset]
    bundled: bool
    description: str


DATASETS: Registry[DatasetSource] = Registry(
    "data set",
    {
        "digits": DatasetSource(lambda _: load_digits(), True, "1,437 + 360 digits of 8 x 8 pixels, 10 classes"),
        "mnist": DatasetSource(load_mnist, False, "60,000 + 10,000 digits of 28 x 28 pixels, 10 classes; IDX files"),
        "fashion_mnist": DatasetSource(
            load_fashion_mnist, False, "60,000 + 10,000 pictures of clothes of 28 x 28 pixels, 10 classes; IDX files"
        ),
        "emnist_balanced": DatasetSource(
            load_emnist_balanced,
            False,
            "112,800 + 18,800 digits and letters of 28 x 28 pixels, 47 classes; IDX files, or their archive",
        ),
        "cifar10": DatasetSource(
            load_cifar10,
            False,
            "50,000 + 10,000 colour photographs of 32 x 32 pixels, 10 classes; cifar-10-python.tar.gz",
        ),
        "cifar10_jpeg": DatasetSource(
            load_cifar10_jpeg, False, "the same photographs in JPEG files, so their pixels are not exact"
        ),
    },
)


def load_dataset(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Return a data set by its name, or from an ``.npz`` file with train_x, train_y, test_x and test_y.

    Parameters
    ----------
    name : str
        One of `DATASETS`, or the path of an ``.npz`` file. Append ``+validation`` to use some of the training examples
        in place of the test examples; see `hold_out`.
    data_dir : path, optional
        The folder of the data set's files, or the parent of a folder named after the data set; default ``data``.

    Raises
    ------
    UnknownNameError, MissingFileError, CorruptFileError, InvalidValueError
        When there is no such data set, or its files are missing or unusable.

    Examples
    --------
    >>> load_dataset("digits").train_x.shape
    torch.Size([1437, 64])
    >>> load_dataset("digits+validation").train_x.shape
    torch.Size([1077, 64])
    """
    base, ending = _split_name(name)
    data = _load_npz(Path(base)) if base.endswith(".npz") else DATASETS[base].load(dataset_folder(base, data_dir))
    return hold_out(data) if ending == VALIDATION else data


def dataset_folder(name: str, data_dir: str | Path | None = None) -> Path:
    """Return the folder in which the files of a data set are expected; see `load_dataset`."""
    folder = DEFAULT_DIR / name if data_dir is None else Path(data_dir)
    own = folder / name
    return own if own.is_dir() else folder


def _split_name(name: str) -> tuple[str, str]:
    """Return the name of a data set without its ending, and the ending; file names may contain a plus sign."""
    base, plus, word = name.rpartition("+")
    if not plus or name.endswith(".npz"):
        return name, ""
    ending = plus + word
    if ending != VALIDATION:
        raise UnknownNameError(f"unknown ending {ending!r} of data set {name!r}: {suggest(ending, [VALIDATION])}")
    return base, ending


def _load_npz(path: Path) -> Dataset:
    if not path.is_file():
        raise MissingFileError(f"there is no data file {path}: pass an .npz file, or one of {', '.join(DATASETS)}")
    with reading(path, "a readable .npz file of numbers", "write it again with numpy.savez"):
        return from_arrays(path.stem, read_npz(path))
