"""Data sets: the bundled digits, IDX files, MNIST and Fashion-MNIST."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
import torch

from tests.training.idx_files import FILES, SHARED, idx, write
from topolearn.errors import CorruptFileError, MissingFileError, UnknownNameError
from topolearn.training import DATASETS, Dataset, load_dataset
from topolearn.training.data import fashion_mnist, mnist, read_idx

MODULES = {"mnist": mnist, "fashion_mnist": fashion_mnist}
EACH_SET = pytest.mark.parametrize("name", list(MODULES))


# --- digits ----------------------------------------------------------------------------------------------------------


def test_digits_split():
    data = load_dataset("digits")
    assert data.train_x.shape == (1437, 64)
    assert data.test_x.shape == (360, 64)
    assert data.train_x.dtype == data.test_x.dtype == torch.uint8
    assert data.train_y.dtype == data.test_y.dtype == torch.int64
    assert data.train_y.unique().tolist() == data.test_y.unique().tolist() == list(range(10))
    assert (data.n_features, data.n_classes) == (64, 10)
    again = load_dataset("digits")
    for part in ("train_x", "train_y", "test_x", "test_y"):
        assert torch.equal(getattr(data, part), getattr(again, part))


def test_digits_are_scikit_learns_and_split_without_overlap():
    from sklearn.datasets import load_digits

    data = load_dataset("digits")
    rows = torch.cat((data.train_x, data.test_x)).numpy()
    labels = torch.cat((data.train_y, data.test_y)).numpy()
    x, y = load_digits(return_X_y=True)
    key = lambda pixels, label: (bytes(pixels.astype(np.uint8)), int(label))  # noqa: E731
    assert sorted(map(key, rows, labels)) == sorted(map(key, x, y))
    train, test = ({bytes(row) for row in part.numpy()} for part in (data.train_x, data.test_x))
    assert not train & test
    counts = torch.bincount(data.test_y)
    assert int(counts.min()) >= 33
    assert int(counts.max()) <= 38


def test_standardisation_only_uses_the_training_features():
    x = torch.tensor([[1.0, 3.0], [5.0, 7.0]])
    y = torch.tensor([0, 1])
    mean, deviation = Dataset("toy", x, y, 100 * x, y).standardisation()
    assert (mean, deviation) == (4.0, pytest.approx(np.std([1, 3, 5, 7])))
    assert Dataset("flat", torch.ones(2, 2), y, x, y).standardisation() == (1.0, 1.0)


# --- IDX -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x-ubyte", "x-ubyte.gz"])
@pytest.mark.parametrize("shape", [(7,), (3, 4, 5), (0, 2)])
def test_idx_files(name, shape, tmp_path):
    array = (np.arange(np.prod(shape)) * 37 % 256).astype(np.uint8).reshape(shape)
    read = read_idx(write(tmp_path / name, idx(array)))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


CONTENT = idx(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))


@pytest.mark.parametrize("length", [0, 2, 3, 4, 7, 15, 16, 17, 40, len(CONTENT) - 1])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_content_cut_off_anywhere_is_rejected(length, suffix, tmp_path):
    with pytest.raises(CorruptFileError, match="x is cut off|x is not an IDX" if not suffix else r"x\.gz is "):
        read_idx(write(tmp_path / f"x{suffix}", CONTENT[:length]))


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.99])
def test_a_gzip_stream_cut_off_anywhere_is_rejected(share, tmp_path):
    path = tmp_path / "x.gz"
    packed = gzip.compress(CONTENT, mtime=0)
    path.write_bytes(packed[: int(share * len(packed))])
    with pytest.raises(CorruptFileError, match="get it again"):
        read_idx(path)


@pytest.mark.parametrize(
    "content",
    [
        CONTENT + b"x",
        idx(np.zeros(4, np.uint8), magic=0x0D),
        b"\x01" + CONTENT[1:],
        b"PK\x03\x04 a zip file",
        CONTENT[:4] + struct.pack(">3i", -3, 4, 5) + CONTENT[16:],
    ],
)
def test_other_files_are_not_idx(content, tmp_path):
    with pytest.raises(CorruptFileError):
        read_idx(write(tmp_path / "x", content))
    with pytest.raises(CorruptFileError):
        read_idx(write(tmp_path / "x.gz", content))
    (tmp_path / "plain.gz").write_bytes(content)
    with pytest.raises(CorruptFileError, match="not a gzip file"):
        read_idx(tmp_path / "plain.gz")


def test_an_idx_file_that_is_missing(tmp_path):
    with pytest.raises(MissingFileError, match=r"no IDX file .*nothing"):
        read_idx(tmp_path / "nothing")


# --- MNIST and Fashion-MNIST -----------------------------------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with files in the format of MNIST, and the checksums of both data sets that fit these."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 256, (6, 2, 3)), np.arange(6) % 3, rng.integers(0, 256, (3, 2, 3)), np.arange(3)]
    contents = {name: idx(array.astype(np.uint8)) for name, array in zip(FILES, arrays, strict=True)}
    folder = tmp_path / "tiny"
    folder.mkdir()
    for i, (name, content) in enumerate(contents.items()):
        write(folder / (name if i % 2 else f"{name}.gz"), content)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for module in MODULES.values():
        monkeypatch.setattr(module, "CHECKSUMS", checksums)
    return folder, arrays


@EACH_SET
def test_files_become_a_data_set(name, tiny):
    folder, (train_x, train_y, test_x, test_y) = tiny
    data = load_dataset(name, folder)
    assert data.name == name
    assert data.train_x.dtype == torch.uint8
    np.testing.assert_array_equal(data.train_x, train_x.reshape(6, 6))
    np.testing.assert_array_equal(data.train_y, train_y)
    np.testing.assert_array_equal(data.test_x, test_x.reshape(3, 6))
    np.testing.assert_array_equal(data.test_y, test_y)


@EACH_SET
def test_files_are_found_in_a_folder_of_the_name(name, tiny, monkeypatch):
    folder, _ = tiny
    whole = load_dataset(name, folder).train_x
    data_dir = folder.parent / "data"
    data_dir.mkdir()
    folder.rename(data_dir / name)
    for each in (data_dir, data_dir / name, str(data_dir)):
        assert torch.equal(load_dataset(name, each).train_x, whole)
    monkeypatch.chdir(data_dir.parent)
    assert torch.equal(load_dataset(name).train_x, whole)


@EACH_SET
def test_missing_files_are_all_named(name, tmp_path, monkeypatch):
    with pytest.raises(MissingFileError) as raised:
        load_dataset(name, tmp_path)
    assert all(f"{file}.gz" in str(raised.value) for file in FILES)
    assert str(tmp_path) in str(raised.value)
    assert "data_dir=..." in str(raised.value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError, match=rf"in data.{name}:"):
        load_dataset(name)


@EACH_SET
def test_one_missing_file_is_named_alone(name, tiny):
    folder, _ = tiny
    (folder / FILES[1]).unlink()
    with pytest.raises(MissingFileError) as raised:
        load_dataset(name, folder)
    assert [file for file in FILES if file in str(raised.value)] == [FILES[1]]


@EACH_SET
@pytest.mark.parametrize("file", FILES)
def test_a_changed_file_is_rejected(name, file, tiny):
    folder, _ = tiny
    (path,) = folder.glob(f"{file}*")
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    write(path, content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CorruptFileError, match=f"{file}.*checksum"):
        load_dataset(name, folder)


def test_files_of_the_two_sets_are_not_confused():
    assert list(mnist.CHECKSUMS) == list(fashion_mnist.CHECKSUMS) == FILES
    assert not set(mnist.CHECKSUMS.values()) & set(fashion_mnist.CHECKSUMS.values())


@pytest.mark.parametrize(
    ("name", "train", "test", "mean", "deviation"),
    [
        (
            "mnist",
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
            0.1307,
            0.3081,
        ),
        ("fashion_mnist", [6000] * 10, [1000] * 10, 0.2860, 0.3530),
    ],
)
def test_the_real_ones(name, train, test, mean, deviation):
    if not (SHARED / name).is_dir():
        pytest.skip(f"the files of {name} are not in {SHARED}")
    data = load_dataset(name, SHARED / name)
    assert (data.train_x.shape, data.test_x.shape) == ((60000, 784), (10000, 784))
    assert data.train_x.dtype == torch.uint8
    assert torch.bincount(data.train_y).tolist() == train
    assert torch.bincount(data.test_y).tolist() == test
    found = tuple(value / 255 for value in data.standardisation())
    assert found == (pytest.approx(mean, abs=1e-4), pytest.approx(deviation, abs=1e-4))


@pytest.mark.parametrize(("name", "other"), [("mnist", "fashion_mnist"), ("fashion_mnist", "mnist")])
def test_the_real_files_of_the_other_set_are_rejected(name, other):
    if not (SHARED / other).is_dir():
        pytest.skip(f"the files of {other} are not in {SHARED}")
    with pytest.raises(CorruptFileError, match=r"train-images-idx3-ubyte.*its checksum differs"):
        load_dataset(name, SHARED / other)


def test_an_unknown_data_set():
    with pytest.raises(UnknownNameError, match=r"unknown data set 'digit': did you mean 'digits'.*mnist"):
        load_dataset("digit")
    assert list(DATASETS) == ["digits", "mnist", "fashion_mnist", "emnist_balanced", "cifar10", "cifar10_jpeg"]
    assert [name for name, source in DATASETS.items() if source.bundled] == ["digits"]
