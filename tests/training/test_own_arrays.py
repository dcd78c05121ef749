"""Data sets from custom arrays: .npz files, and arrays in memory."""

from pathlib import Path

import numpy as np
import pytest
import torch

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.training import Dataset, load_dataset
from topolearn.training.data import from_arrays


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
