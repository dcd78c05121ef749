"""The copy of CIFAR-10 in JPEG files: the same photographs, but their pixels are not exact."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.read_errors import reading
from topolearn.training.data.dataset import SPLITS, TEST, TRAIN, Dataset, from_arrays
from topolearn.training.data.idx import unpacked

ARCHIVE = "cifar10-jpeg.tar.xz"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32  # pixels
PER_CLASS = {TRAIN: 5000, TEST: 1000}


def load_cifar10_jpeg(folder: Path) -> Dataset:
    """Read the copy of CIFAR-10 in JPEG files from a folder; pixels become uint8.

    The files are ``SPLIT/CLASS/NUMBER.jpg``, with the splits ``train`` and ``test``, in the folder itself or in
    ``cifar10-jpeg.tar.xz``. JPEG is lossy and the official order is lost, so results differ from those on the official
    pixels: report the name of this data set with them. As in `load_cifar10`, an image is its three colour planes.

    Another version of the JPEG decoder may round some pixels otherwise; a resumed run notices that its data changed.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there are no such files, an image cannot be read, or a class does not have the right number of them.

    References
    ----------
    Krizhevsky (2009), "Learning multiple layers of features from tiny images".
    """
    images: dict[tuple[str, str], list[tuple[str, np.ndarray]]] = {
        (split, label): [] for split in SPLITS for label in CLASSES
    }
    for split, label, name, content in _files(folder):
        images[split, label].append((name, _pixels(folder / split / label / name, content)))
    arrays = {}
    for split in SPLITS:
        counts = [len(images[split, label]) for label in CLASSES]
        if set(counts) != {PER_CLASS[split]}:
            raise CorruptFileError(
                f"{folder} has {counts} images in the classes of {split!r} ({', '.join(CLASSES)}), but CIFAR-10 has "
                f"{PER_CLASS[split]:,} in each: get it again"
            )
        ordered = (image for label in CLASSES for _, image in sorted(images[split, label], key=lambda each: each[0]))
        arrays[f"{split}_x"] = np.stack(list(ordered))
        arrays[f"{split}_y"] = np.repeat(np.arange(len(CLASSES)), counts)
    return from_arrays("cifar10_jpeg", arrays)


def _files(folder: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield the split, the class, the name and the content of each JPEG file, in any order."""
    if (folder / ARCHIVE).is_file():
        yield from _packed_files(folder / ARCHIVE)
        return
    files = folder.glob("*/*/*.jpg")
    paths = [(path, place) for path in files if (place := _place(path.relative_to(folder).as_posix()))]
    if not paths:
        raise MissingFileError(
            f"the JPEG copy of CIFAR-10 needs folders such as train/{CLASSES[0]} and test/{CLASSES[0]} with .jpg "
            f"files, or {ARCHIVE}, in {folder}: put them there, or pass their folder with data_dir=..."
        )
    for path, place in paths:
        yield *place, path.read_bytes()


def _packed_files(archive: Path) -> Iterator[tuple[str, str, str, bytes]]:
    content = io.BytesIO(unpacked(archive, archive.read_bytes(), "xz"))
    with (
        reading(archive, "the archive of JPEG files", "get it again"),
        tarfile.open(fileobj=content, mode="r:") as opened,
    ):
        for member in opened:
            place = _place(member.name)
            if place is not None and (file := opened.extractfile(member)) is not None:
                yield *place, file.read()


def _place(path: str) -> tuple[str, str, str] | None:
    """Return the split, the class and the name of an image's path, or None if it is not the path of one."""
    match path.removeprefix("./").split("/"):
        case [split, label, name] if split in SPLITS and label in CLASSES and name.endswith(".jpg"):
            return split, label, name
    return None


def _pixels(path: Path, content: bytes) -> np.ndarray:
    """Return the pixels of an image, shape (3, 32, 32)."""
    with reading(path, "a readable JPEG image", "get it again"):
        image = Image.open(io.BytesIO(content), formats=["JPEG"])
        if image.size != (SIDE, SIDE):
            raise CorruptFileError(f"{path} has {image.size} pixels, but must have ({SIDE}, {SIDE}): get it again")
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)
