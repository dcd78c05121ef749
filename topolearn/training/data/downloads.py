"""`download`: fetches the files of a data set with torchvision, and verifies them."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from topolearn.errors import (
    CorruptFileError,
    DownloadError,
    ExistingFileError,
    InvalidValueError,
    MissingFileError,
    MissingPackageError,
    TopolearnError,
)
from topolearn.training.data import cifar10, emnist, fashion_mnist, mnist
from topolearn.training.data.idx import find_idx, read_idx
from topolearn.training.data.sources import DATASETS, DEFAULT_DIR, dataset_folder
from topolearn.training.data.validation import VALIDATION


@dataclass(frozen=True)
class Download:
    """How to get a data set from torchvision.

    Attributes
    ----------
    class_name : str
    folder : str
        Where its class puts the files, below its ``root``.
    files : tuple of str
        The files to keep, each as ``NAME`` or ``NAME.gz``.
    options : mapping
        Further arguments of the class.
    """

    class_name: str
    folder: str
    files: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


DOWNLOADS = {
    "mnist": Download("MNIST", "MNIST/raw", tuple(mnist.CHECKSUMS)),
    "fashion_mnist": Download("FashionMNIST", "FashionMNIST/raw", tuple(fashion_mnist.CHECKSUMS)),
    "emnist_balanced": Download("EMNIST", "EMNIST/raw", emnist.FILES, {"split": "balanced"}),
    "cifar10": Download("CIFAR10", "", (cifar10.ARCHIVE.removesuffix(".gz"),)),
}


def download(name: str, folder: str | Path | None = None) -> Path:
    """Download the files of a data set, unless they exist already, and verify them.

    They are downloaded into a temporary folder, and moved once the whole set has been read without errors. Existing
    files are never overwritten.

    Parameters
    ----------
    name : str
        One of `DOWNLOADS`.
    folder : path, optional
        Parent of the data set's folder, which is named after the data set, or that folder itself; default ``data``.
        Pass it to `load_dataset` as ``data_dir``.

    Returns
    -------
    Path
        The folder of the files.

    Raises
    ------
    InvalidValueError, UnknownNameError
        When there is nothing to download, or no such data set.
    MissingPackageError
        When torchvision is not installed.
    ExistingFileError
        When other files with the same names exist.
    DownloadError
        When the files could not be downloaded or verified; the message says how to provide them by hand.

    Examples
    --------
    >>> download("digits")
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: data set 'digits' is bundled: there is nothing to download
    """
    wanted = _wanted(name)
    target = _target(name, folder)
    looked_in = dataset_folder(name, folder)
    try:
        DATASETS[name].load(looked_in)
        return looked_in
    except MissingFileError:
        pass
    except CorruptFileError as error:
        if looked_in == target:
            raise ExistingFileError(f"{error}: remove it first, as downloads never overwrite files") from None
    by_hand = f"put {', '.join(f'{file}.gz' for file in wanted.files)} into {target} yourself"
    # On the same disk as the target, so that files can be moved atomically.
    nearest = next(each for each in (target, *target.absolute().parents) if each.exists())
    with tempfile.TemporaryDirectory(dir=nearest, prefix=".download-") as scratch:
        fetched = Path(scratch, name)
        _fetch(name, wanted, fetched, by_hand)
        _move(fetched, target, wanted)
    return target


def _wanted(name: str) -> Download:
    if name in DOWNLOADS:
        return DOWNLOADS[name]
    if name.endswith(".npz"):
        raise InvalidValueError(f"{name} is your own file: there is nothing to download")
    if name.endswith(VALIDATION):
        raise InvalidValueError(f"{name!r} uses the files of {name.removesuffix(VALIDATION)!r}: download that one")
    if DATASETS[name].bundled:
        raise InvalidValueError(f"data set {name!r} is bundled: there is nothing to download")
    raise InvalidValueError(f"data set {name!r} is not downloadable: choose one of {', '.join(DOWNLOADS)}")


def _target(name: str, folder: str | Path | None) -> Path:
    parent = DEFAULT_DIR if folder is None else Path(folder)
    return parent if parent.resolve().name == name else parent / name


def _fetch(name: str, wanted: Download, folder: Path, by_hand: str) -> None:
    """Download and verify the files of the set into a new folder, without any other files."""
    try:
        from torchvision import datasets
    except ImportError:
        raise MissingPackageError(
            f"torchvision is not installed: pip install 'topolearn[download]', or {by_hand}"
        ) from None
    except (RuntimeError, OSError) as error:
        raise DownloadError(
            f"{name} could not be downloaded, as torchvision and torch are not compatible ({_one_line(error)}): "
            f"install both from the same source, or {by_hand}"
        ) from error
    folder.mkdir()
    with tempfile.TemporaryDirectory(dir=folder.parent) as root:
        try:
            getattr(datasets, wanted.class_name)(root=root, download=True, **wanted.options)
            for file in wanted.files:
                if path := find_idx(Path(root, wanted.folder), file):
                    path.replace(folder / path.name)
            DATASETS[name].load(folder)
        except (OSError, RuntimeError, HTTPException, TopolearnError) as error:
            reason = _one_line(error).replace(str(folder), name)
            raise DownloadError(f"{name} could not be downloaded ({reason}): {by_hand}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _move(fetched: Path, target: Path, wanted: Download) -> None:
    """Move downloaded files to the target folder, atomically if it does not exist yet."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        fetched.rename(target)
        return
    for file in wanted.files:
        path, new = find_idx(target, file), find_idx(fetched, file)
        assert new is not None
        if path is not None and not _is_same(path, new):
            raise ExistingFileError(
                f"{path} belongs to another data set: remove it first, as downloads never overwrite files"
            )
    for path in fetched.iterdir():
        path.replace(target / path.name)


def _is_same(path: Path, new: Path) -> bool:
    try:
        return np.array_equal(read_idx(path), read_idx(new))
    except CorruptFileError:
        return False
