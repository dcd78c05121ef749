"""Data sets: the bundled digits, IDX files, MNIST and Fashion-MNIST, and custom arrays."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.idx_files import FILES, SHARED, idx, write
from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError, UnknownNameError
from topolearn.training import DATASETS, Dataset, load_dataset
from topolearn.training.data import fashion_mnist, from_arrays, mnist, read_idx

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


# --- arrays of one's own ---------------------------------------------------------------------------------------------


def arrays(n=20, **changed):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 5)), np.arange(n) % 3
    return {"train_x": x, "train_y": y, "test_x": x[:6], "test_y": y[:6], **changed}


def save(path, content, compressed=False):
    (np.savez_compressed if compressed else np.savez)(path, **content)
    return str(path)


@pytest.mark.parametrize("label_type", [np.int64, np.uint8, np.int32, bool])
def test_an_npz_file(label_type, tmp_path):
    content = arrays()
    labels = {key: (content[key] % 2).astype(label_type) for key in ("train_y", "test_y")}
    data = load_dataset(save(tmp_path / "mine.npz", {**content, **labels}))
    assert data.name == "mine"
    assert (data.n_features, data.n_classes) == (5, 2)
    assert data.train_x.dtype == torch.float32
    assert data.train_y.dtype == torch.int64
    np.testing.assert_allclose(data.train_x, content["train_x"], rtol=1e-6)
    np.testing.assert_array_equal(data.test_y, labels["test_y"])


def test_images_are_flattened_and_bytes_stay_bytes(tmp_path):
    images = np.arange(20 * 12, dtype=np.uint8).reshape(20, 3, 4)
    data = load_dataset(save(tmp_path / "mine.npz", arrays(train_x=images, test_x=images[:6])))
    assert data.train_x.dtype == torch.uint8
    np.testing.assert_array_equal(data.train_x, images.reshape(20, 12))


def holed(value):
    x = arrays()["train_x"].copy()
    x[[3, 3, 7], [0, 1, 4]] = value
    return x


def without(name):
    content = arrays()
    del content[name]
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (arrays(train_x=holed(np.nan)), "train_x has NaN or infinite features in 2 of 20"),
        (arrays(test_x=holed(np.inf)[:6]), "test_x has NaN or infinite features in 1 of 6"),
        (arrays(train_x=holed(1e300)), "train_x has NaN or infinite features in 2 of 20"),
        (without("train_x"), "no array 'train_x'"),
        (without("test_y"), "no array 'test_y'"),
        (arrays(train_y=np.zeros(19, int)), "train_x has 20 examples, but train_y has shape .19,"),
        (arrays(test_y=np.zeros((6, 1), int)), "test_y has shape .6, 1"),
        (arrays(test_x=np.zeros((6, 4))), "5 features in train_x, but 4 in test_x"),
        (arrays(train_x=np.zeros((0, 5)), train_y=np.zeros(0, int)), "train_x has shape .0, 5"),
        (arrays(test_x=np.zeros((0, 5)), test_y=np.zeros(0, int)), "test_x has shape .0, 5"),
        (arrays(train_x=np.zeros((20, 0))), "train_x has shape .20, 0"),
        (arrays(train_y=np.arange(20) / 2), "train_y must hold integer labels from 0"),
        (arrays(train_y=np.arange(20) - 1), "train_y must hold integer labels from 0"),
        (arrays(train_y=np.full(20, 2**64 - 1, np.uint64)), "train_y must hold integer labels from 0"),
        (arrays(train_y=np.full(20, 2**40)), "label 1099511627776, which implies more classes than it has examples"),
        (arrays(train_y=np.array(["a"] * 20)), "train_y has dtype"),
        (arrays(train_x=np.zeros((20, 5), complex)), "train_x has dtype complex128"),
        (arrays(test_y=np.array(3)), "test_y has dtype int64"),
    ],
)
def test_content_that_cannot_be_trained_on_is_rejected(content, message, tmp_path):
    with pytest.raises(InvalidValueError, match=message):
        load_dataset(save(tmp_path / "mine.npz", content))


def test_pickled_objects_are_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    objects = np.array([[Trap()] * 5] * 20, dtype=object)
    with pytest.raises(CorruptFileError, match=r"not a readable \.npz file"):
        load_dataset(save(tmp_path / "mine.npz", arrays(train_x=objects)))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("compressed", [True, False])
def test_an_npz_file_cut_off_anywhere_is_rejected(share, compressed, tmp_path):
    path = tmp_path / "mine.npz"
    save(path, arrays(), compressed)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CorruptFileError, match=r"mine\.npz is not a readable"):
        load_dataset(str(path))


def test_an_npz_file_with_altered_bytes_is_rejected(tmp_path):
    path = tmp_path / "mine.npz"
    save(path, arrays(), compressed=True)
    content = bytearray(path.read_bytes())
    content[100:120] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"mine\.npz is not a readable"):
        load_dataset(str(path))


def test_other_files_are_not_npz(tmp_path):
    path = tmp_path / "mine.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(CorruptFileError, match="not a zip file"):
        load_dataset(str(path))
    with pytest.raises(MissingFileError, match=r"no data file .*nothing\.npz"):
        load_dataset(str(tmp_path / "nothing.npz"))


def test_an_unknown_data_set():
    with pytest.raises(UnknownNameError, match=r"unknown data set 'digit': did you mean 'digits'.*mnist"):
        load_dataset("digit")
    assert list(DATASETS) == ["digits", "mnist", "fashion_mnist", "emnist_balanced", "cifar10", "cifar10_jpeg"]
    assert [name for name, source in DATASETS.items() if source.bundled] == ["digits"]


def test_labels_of_another_type_are_rejected():
    x = torch.zeros(4, 2)
    for labels in (torch.tensor([0, 1, 0, 1], dtype=torch.int32), torch.tensor([0.0, 1, 0, 1])):
        with pytest.raises(InvalidValueError, match="train_y must hold integer labels from 0, as int64"):
            Dataset("toy", x, labels, x, labels)


def test_the_arrays_are_copied():
    content = arrays()
    data = from_arrays("toy", content)
    content["train_y"][:] = 0
    assert int(data.train_y.max()) == 2
