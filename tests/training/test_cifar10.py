"""CIFAR-10: the official archive, the copy in JPEG files, and files that are neither."""

import hashlib
import lzma

import numpy as np
import pytest
import torch

from tests.training.cifar10_files import archive, batches, jpeg, jpeg_files, official
from tests.training.idx_files import SHARED
from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.training import load_dataset
from topolearn.training.data import cifar10, cifar10_jpeg

# --- the official archive --------------------------------------------------------------------------------------------


def place(folder, content, monkeypatch):
    (folder / cifar10.ARCHIVE).write_bytes(content)
    monkeypatch.setattr(cifar10, "SHA256", hashlib.sha256(content).hexdigest())


def test_the_batches_of_the_archive_are_joined_in_order(tmp_path, monkeypatch):
    content = batches()
    place(tmp_path, official(content), monkeypatch)
    data = load_dataset("cifar10", tmp_path)
    assert data.train_x.dtype == torch.uint8
    for split, names in cifar10.MEMBERS.items():
        np.testing.assert_array_equal(getattr(data, f"{split}_x"), np.concatenate([content[name][0] for name in names]))
        np.testing.assert_array_equal(getattr(data, f"{split}_y"), np.concatenate([content[name][1] for name in names]))
    assert (data.n_features, len(data.train_x), len(data.test_x)) == (3072, 15, 3)


def test_without_the_archive_the_error_names_it_and_the_other_copy(tmp_path):
    with pytest.raises(MissingFileError, match=rf"cifar-10-python\.tar\.gz in {tmp_path}.*data_dir.*'cifar10_jpeg'"):
        load_dataset("cifar10", tmp_path)


@pytest.mark.parametrize("change", [lambda content: content[:-9], lambda content: official(batches(seed=1))])
def test_nothing_of_an_archive_with_another_checksum_is_loaded(change, tmp_path, monkeypatch):
    whole = official()
    place(tmp_path, whole, monkeypatch)
    (tmp_path / cifar10.ARCHIVE).write_bytes(change(whole))
    monkeypatch.setattr(cifar10.pickle, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(CorruptFileError, match="checksum differs; get it again"):
        load_dataset("cifar10", tmp_path)


@pytest.mark.parametrize("content", [b"no archive", archive({"cifar-10-batches-py/data_batch_1": b"no pickle"})])
def test_content_that_cannot_be_read_is_a_corrupt_file(content, tmp_path, monkeypatch):
    place(tmp_path, content, monkeypatch)
    with pytest.raises(CorruptFileError, match="is not the archive of CIFAR-10"):
        load_dataset("cifar10", tmp_path)


# --- the copy in JPEG files ------------------------------------------------------------------------------------------

PER_CLASS = {"train": 2, "test": 1}


@pytest.fixture(params=["folders", "archive", "archive with dots"])
def copy(request, tmp_path, monkeypatch):
    """A function that puts JPEG files into a folder, unpacked or as an archive."""
    monkeypatch.setattr(cifar10_jpeg, "PER_CLASS", PER_CLASS)

    def write(files):
        if request.param == "folders":
            for name, content in files.items():
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes(content)
        else:
            dot = "./" if "dots" in request.param else ""
            packed = archive({dot + name: content for name, content in files.items()}, "w:xz")
            (tmp_path / cifar10_jpeg.ARCHIVE).write_bytes(packed)
        return tmp_path

    return write


def test_images_are_ordered_by_class_and_number(copy):
    data = load_dataset("cifar10_jpeg", copy(jpeg_files(PER_CLASS) | {"README.md": b"words", "train/cat/x.txt": b""}))
    assert data.train_y.tolist() == [k for k in range(10) for _ in range(2)]
    assert data.test_y.tolist() == list(range(10))
    red, green, blue = data.train_x.reshape(20, 3, 1024).double().mean(dim=2).T
    assert torch.allclose(red, 20 * data.train_y.double(), atol=3)
    assert torch.allclose(green, torch.tensor([0.0, 100.0]).double().repeat(10), atol=3)
    assert torch.allclose(blue, torch.tensor(128.0).double(), atol=3)


def test_a_grey_image_has_three_equal_planes(copy):
    data = load_dataset("cifar10_jpeg", copy(jpeg_files(PER_CLASS) | {"test/cat/0000.jpg": jpeg(77, mode="L")}))
    assert data.test_x[3].unique().tolist() == [77]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test/dog/0000.jpg": b"no image"}, r"test/dog/0000\.jpg is not a readable JPEG image"),
        ({"test/dog/0000.jpg": jpeg((1, 2, 3))[:300]}, r"test/dog/0000\.jpg is not a readable JPEG image"),
        ({"train/dog/0001.jpg": jpeg((1, 2, 3), (31, 32))}, r"train/dog/0001\.jpg has \(31, 32\) pixels"),
        ({"test/ship/0001.jpg": jpeg((1, 2, 3))}, r"\[1, 1, 1, 1, 1, 1, 1, 1, 2, 1\] images in .* 'test'"),
    ],
)
def test_images_that_are_wrong_or_too_many(changed, message, copy):
    with pytest.raises(CorruptFileError, match=message):
        load_dataset("cifar10_jpeg", copy(jpeg_files(PER_CLASS) | changed))


def test_a_missing_image(copy):
    files = jpeg_files(PER_CLASS)
    del files["train/bird/0001.jpg"]
    with pytest.raises(CorruptFileError, match=r"\[2, 2, 1, 2.* images in .* 'train'.* CIFAR-10 has 2 in each"):
        load_dataset("cifar10_jpeg", copy(files))


def test_a_folder_without_images(tmp_path):
    with pytest.raises(MissingFileError, match=rf"train/airplane.*cifar10-jpeg\.tar\.xz, in {tmp_path}: put them"):
        load_dataset("cifar10_jpeg", tmp_path)


def test_an_archive_that_is_cut_off(tmp_path):
    (tmp_path / cifar10_jpeg.ARCHIVE).write_bytes(archive({"train/cat/0.jpg": jpeg((9, 9, 9))}, "w:xz")[:200])
    with pytest.raises(CorruptFileError, match=r"tar\.xz is cut off, or not an xz file"):
        load_dataset("cifar10_jpeg", tmp_path)


def test_an_archive_that_is_not_a_tar(tmp_path):
    (tmp_path / cifar10_jpeg.ARCHIVE).write_bytes(lzma.compress(b"no tar" * 200))
    with pytest.raises(CorruptFileError, match="is not the archive of JPEG files"):
        load_dataset("cifar10_jpeg", tmp_path)


@pytest.mark.slow
def test_the_real_copy():
    if not (SHARED / "cifar10").is_dir():
        pytest.skip(f"the JPEG files of CIFAR-10 are not in {SHARED}")
    data = load_dataset("cifar10_jpeg", SHARED / "cifar10")
    assert (data.train_x.shape, data.test_x.shape) == ((50000, 3072), (10000, 3072))
    assert data.train_y.bincount().tolist() == [5000] * 10
    mean = data.train_x.reshape(50000, 3, 1024).double().mean(dim=(0, 2)) / 255
    assert mean.tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=2e-4)  # those of the official pixels
