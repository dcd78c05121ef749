"""EMNIST's balanced split: read from four files or an archive, with upright images; other files are rejected."""

import gzip
import hashlib
import zipfile

import numpy as np
import pytest
import torch

from tests.training.idx_files import SHARED, idx, write
from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.training import load_dataset
from topolearn.training.data import emnist

TRAIN_X, TRAIN_Y, TEST_X, TEST_Y = emnist.FILES


@pytest.fixture
def tiny(monkeypatch):
    """The arrays of a tiny set, 3 classes with 4 and 2 images of 5 x 5 pixels each, and the sizes that fit it."""
    for name, value in (("SIDE", 5), ("N_CLASSES", 3), ("PER_CLASS", {"train": 4, "test": 2})):
        monkeypatch.setattr(emnist, name, value)
    rng = np.random.default_rng(0)
    arrays = {
        TRAIN_X: rng.integers(0, 256, (12, 5, 5)),
        TRAIN_Y: rng.permutation(np.arange(12) % 3),
        TEST_X: rng.integers(0, 256, (6, 5, 5)),
        TEST_Y: rng.permutation(np.arange(6) % 3),
    }
    return {name: array.astype(np.uint8) for name, array in arrays.items()}


def put(folder, arrays, suffixes=("", ".gz")):
    for i, (name, array) in enumerate(arrays.items()):
        write(folder / f"{name}{suffixes[i % len(suffixes)]}", idx(array))


def pack(folder, arrays, monkeypatch):
    """Write the archive, and make its checksum the expected one."""
    path = folder / "gzip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gzip/emnist-letters-mapping.txt", "1 65 97")
        for name, array in arrays.items():
            archive.writestr(f"gzip/{name}.gz", gzip.compress(idx(array)))
    monkeypatch.setattr(emnist, "ARCHIVE_MD5", hashlib.md5(path.read_bytes()).hexdigest())
    return path


def assert_is(data, arrays):
    upright = {name: np.stack([image.T for image in arrays[name]]) for name in (TRAIN_X, TEST_X)}
    np.testing.assert_array_equal(data.train_x, upright[TRAIN_X].reshape(12, 25))
    np.testing.assert_array_equal(data.test_x, upright[TEST_X].reshape(6, 25))
    np.testing.assert_array_equal(data.train_y, arrays[TRAIN_Y])
    np.testing.assert_array_equal(data.test_y, arrays[TEST_Y])


def test_the_sizes_are_those_of_the_split():
    assert emnist.N_CLASSES * emnist.PER_CLASS["train"] == 112_800
    assert emnist.N_CLASSES * emnist.PER_CLASS["test"] == 18_800


@pytest.mark.parametrize("suffixes", [("", ".gz"), ("",), (".gz",)])
def test_four_files_become_a_data_set_of_upright_images(suffixes, tiny, tmp_path):
    put(tmp_path, tiny, suffixes)
    data = load_dataset("emnist_balanced", tmp_path)
    assert (data.name, data.n_classes, data.train_x.dtype) == ("emnist_balanced", 3, torch.uint8)
    assert_is(data, tiny)


@pytest.mark.parametrize("n_loose", [0, 3])
def test_the_archive_replaces_missing_files(n_loose, tiny, tmp_path, monkeypatch):
    pack(tmp_path, tiny, monkeypatch)
    put(tmp_path, dict(list(tiny.items())[:n_loose]))
    assert_is(load_dataset("emnist_balanced", tmp_path), tiny)


def test_whole_loose_files_need_no_archive(tiny, tmp_path):
    put(tmp_path, tiny)
    (tmp_path / "gzip.zip").write_bytes(b"half an archive")
    assert_is(load_dataset("emnist_balanced", tmp_path), tiny)


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c[:40] + bytes([c[40] ^ 1]) + c[41:], lambda c: b""])
def test_a_changed_archive_is_rejected(change, tiny, tmp_path, monkeypatch):
    path = pack(tmp_path, tiny, monkeypatch)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CorruptFileError, match=r"gzip\.zip is cut off or a different archive.*checksum"):
        load_dataset("emnist_balanced", tmp_path)


def test_missing_files_are_all_named(tiny, tmp_path):
    put(tmp_path, {name: tiny[name] for name in (TRAIN_X, TEST_Y)})
    with pytest.raises(MissingFileError) as raised:
        load_dataset("emnist_balanced", tmp_path)
    assert [name for name in emnist.FILES if name in str(raised.value)] == [TRAIN_Y, TEST_X]
    for word in (str(tmp_path), "data_dir=...", "gzip.zip"):
        assert word in str(raised.value)


LABELS = np.arange(12, dtype=np.uint8) % 3


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (TRAIN_X, np.zeros((11, 5, 5), np.uint8), r"has shape \(11, 5, 5\), but EMNIST balanced has \(12, 5, 5\)"),
        (TRAIN_X, np.zeros((12, 5, 4), np.uint8), r"has shape \(12, 5, 4\)"),
        (TRAIN_X, LABELS, r"has shape \(12,\)"),
        (TEST_X, np.zeros((12, 5, 5), np.uint8), r"but EMNIST balanced has \(6, 5, 5\)"),
        (TRAIN_Y, LABELS[:9], r"has shape \(9,\)"),
        (TRAIN_Y, LABELS // 2, "does not have 4 images in each of the classes 0 to 2"),
        (TRAIN_Y, LABELS + 1, "does not have 4 images in each of the classes 0 to 2"),
        (TEST_Y, np.array([0, 0, 1, 1, 2, 3], np.uint8), "does not have 2 images in each"),
    ],
)
def test_files_of_another_split_are_rejected(name, array, message, tiny, tmp_path):
    put(tmp_path, {**tiny, name: array})
    with pytest.raises(CorruptFileError, match=message) as raised:
        load_dataset("emnist_balanced", tmp_path)
    assert f"{name} in {tmp_path}" in str(raised.value)


def test_another_number_of_letters_is_not_this_split():
    folder = SHARED / "emnist"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    with pytest.raises(MissingFileError, match=f"EMNIST balanced needs {TRAIN_X}.gz.* in {folder}"):
        load_dataset("emnist_balanced", folder)
