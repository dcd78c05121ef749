"""Small archives in the formats of CIFAR-10, made by tests."""

import io
import pickle
import tarfile

import numpy as np
from PIL import Image

from topolearn.training.data import cifar10, cifar10_jpeg


def archive(members, mode="w:gz"):
    """Return a tar archive of files by their names, as bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as opened:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def batches(n=3, seed=0):
    """Return the pixels and labels of each batch of a small set, by its name in the archive."""
    rng = np.random.default_rng(seed)
    names = [name for split in cifar10.MEMBERS.values() for name in split]
    return {name: (rng.integers(0, 256, (n, 3072), dtype=np.uint8), [(i + j) % 10 for j in range(n)])
            for i, name in enumerate(names)}  # fmt: skip


def official(content=None, mode="w:gz"):
    """Return an archive like the official one, with the given batches."""
    pickled = {
        name: pickle.dumps({b"data": x, b"labels": y, b"batch_label": b"a"}, protocol=2)
        for name, (x, y) in (content or batches()).items()
    }
    return archive({"cifar-10-batches-py/batches.meta": b"", **pickled}, mode)


def jpeg(shade, size=(32, 32), mode="RGB"):
    """Return a JPEG image of one shade, a number from 0 to 255 per channel."""
    content = io.BytesIO()
    Image.new(mode, size, shade).save(content, "JPEG", quality=95)
    return content.getvalue()


def jpeg_files(per_class):
    """Return JPEG files by their names, in another order than the classes: red is the class, green the number."""
    return {
        f"{split}/{label}/{number:04}.jpg": jpeg((20 * k, 100 * number, 128))
        for split, n in per_class.items()
        for number in reversed(range(n))
        for k, label in reversed(list(enumerate(cifar10_jpeg.CLASSES)))
    }
