"""`download`: the files of a data set, fetched by torchvision, verified, and put where `load_dataset` finds them."""

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
from topolearn.training.data import emnist, fashion_mnist, mnist
from topolearn.training.data.idx import find_idx, read_idx
from topolearn.training.data.sources import DATASETS, DEFAULT_DIR, dataset_folder
from topolearn.training.data.validation import VALIDATION


@dataclass(frozen=True)
class Download:
    """How torchvision is asked for a data set: the name of its class, arguments, and the files that are kept."""

    class_name: str
    files: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


DOWNLOADS = {
    "mnist": Download("MNIST", tuple(mnist.CHECKSUMS)),
    "fashion_mnist": Download("FashionMNIST", tuple(fashion_mnist.CHECKSUMS)),
    "emnist_balanced": Download("EMNIST", emnist.FILES, {"split": "balanced"}),
}


def download(name: str, folder: str | Path | None = None) -> Path:
    """Fetch the files of a data set, unless they are there, and verify them.

    They are fetched into a temporary folder, and moved when the whole set has been read without an error. Files that
    are there already are never overwritten.

    Parameters
    ----------
    name : str
        One of `DOWNLOADS`.
    folder : path, optional
        A folder that gets the files in a folder of the data set's name, or is called by that name itself; default
        ``data``. Given as ``data_dir``, `load_dataset` finds them.

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
        When other files are in the place of these.
    DownloadError
        When the files could not be fetched, or are not what they should be; says which files to put where.

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
            raise ExistingFileError(f"{error}: remove it first, as a download overwrites nothing") from None
    by_hand = f"put {', '.join(f'{file}.gz' for file in wanted.files)} into {target} yourself"
    # Beside the target, as files can be moved whole only within one disk.
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
        raise InvalidValueError(f"{name} is a custom file: there is nothing to download")
    if name.endswith(VALIDATION):
        raise InvalidValueError(f"{name!r} is made of the files of {name.removesuffix(VALIDATION)!r}: download these")
    if DATASETS[name].bundled:
        raise InvalidValueError(f"data set {name!r} is bundled: there is nothing to download")
    raise InvalidValueError(f"data set {name!r} is your own: download one of {', '.join(DOWNLOADS)}")


def _target(name: str, folder: str | Path | None) -> Path:
    parent = DEFAULT_DIR if folder is None else Path(folder)
    return parent if parent.resolve().name == name else parent / name


def _fetch(name: str, wanted: Download, folder: Path, by_hand: str) -> None:
    """Leave the files of the set, and nothing else, in a new folder, verified."""
    try:
        from torchvision import datasets
    except ImportError:
        raise MissingPackageError(
            f"torchvision is not installed: pip install 'topolearn[download]', or {by_hand}"
        ) from None
    except (RuntimeError, OSError) as error:
        raise DownloadError(
            f"{name} could not be downloaded, as torchvision and torch are not of one build ({_one_line(error)}): "
            f"install both from one place, or {by_hand}"
        ) from error
    folder.mkdir()
    with tempfile.TemporaryDirectory(dir=folder.parent) as root:
        try:
            getattr(datasets, wanted.class_name)(root=root, download=True, **wanted.options)
            raw = Path(root, wanted.class_name, "raw")
            for file in wanted.files:
                if path := find_idx(raw, file):
                    path.replace(folder / path.name)
            DATASETS[name].load(folder)
        except (OSError, RuntimeError, HTTPException, TopolearnError) as error:
            reason = _one_line(error).replace(str(folder), name)
            raise DownloadError(f"{name} could not be downloaded ({reason}): {by_hand}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _move(fetched: Path, target: Path, wanted: Download) -> None:
    """Put a folder of files in its place: all at once if nothing is there."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        fetched.rename(target)
        return
    for file in wanted.files:
        path, new = find_idx(target, file), find_idx(fetched, file)
        assert new is not None
        if path is not None and not _is_same(path, new):
            raise ExistingFileError(f"{path} is of another data set: remove it first, as a download overwrites nothing")
    for path in fetched.iterdir():
        path.replace(target / path.name)


def _is_same(path: Path, new: Path) -> bool:
    try:
        return np.array_equal(read_idx(path), read_idx(new))
    except CorruptFileError:
        return False
