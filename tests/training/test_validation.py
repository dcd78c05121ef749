"""Held-out training examples in place of the test examples."""

import numpy as np
import pytest
import torch

from topolearn.errors import InvalidValueError, MissingFileError, UnknownNameError
from topolearn.training import Dataset, load_dataset
from topolearn.training.data import hold_out

PARTS = ("train_x", "train_y", "test_x", "test_y")


def toy(train_y, n_test):
    """A data set whose examples are numbered by their only feature."""
    train_y = torch.as_tensor(train_y)
    numbers = torch.arange(len(train_y) + n_test, dtype=torch.float32).reshape(-1, 1)
    test_y = train_y[torch.arange(n_test) % len(train_y)]
    return Dataset("toy", numbers[: len(train_y)], train_y, numbers[len(train_y) :], test_y)


@pytest.mark.parametrize("n_test", [3, 40, 150])
@pytest.mark.parametrize("shares", [[100, 100, 100], [250, 40, 10]])
def test_the_parts_are_the_training_examples_with_their_classes(shares, n_test):
    data = toy(np.random.default_rng(0).permutation(np.repeat(np.arange(3), shares)), n_test)
    found = hold_out(data)
    assert found.name == "toy+validation"
    kept, held = (part.flatten().long().tolist() for part in (found.train_x, found.test_x))
    assert len(held) == n_test
    assert not set(kept) & set(held)
    assert sorted(kept + held) == list(range(300))
    assert torch.equal(found.train_y, data.train_y[kept])
    assert torch.equal(found.test_y, data.train_y[held])
    expected = n_test * np.array(shares) / 300
    assert np.abs(np.bincount(found.test_y, minlength=3) - expected).max() < 1


def test_the_split_is_always_the_same_and_of_the_whole_set():
    one, other = (hold_out(toy(np.arange(300) % 3, 50)) for _ in range(2))
    assert all(torch.equal(getattr(one, part), getattr(other, part)) for part in PARTS)
    held = one.test_x.flatten()
    assert held.min() < 60
    assert held.max() > 240


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (toy(np.arange(99) % 3, 50), r"'toy\+validation' would hold out 50 of 99 .* at most half"),
        (toy([0] * 50 + [1], 10), "cannot have every class in both splits"),
        (toy(np.arange(300) % 30, 20), "cannot have every class in both splits"),
    ],
)
def test_too_few_examples_are_rejected(data, message):
    with pytest.raises(InvalidValueError, match=message):
        hold_out(data)


# --- by name ---------------------------------------------------------------------------------------------------------


def test_digits():
    whole, found = load_dataset("digits"), load_dataset("digits+validation")
    assert found.name == "digits+validation"
    assert (len(found.train_x), len(found.test_x)) == (1437 - 360, 360)
    key = lambda x, y: sorted((bytes(row), int(label)) for row, label in zip(x.numpy(), y, strict=True))  # noqa: E731
    parts = key(found.train_x, found.train_y) + key(found.test_x, found.test_y)
    assert sorted(parts) == key(whole.train_x, whole.train_y)
    assert not {bytes(row) for row in whole.test_x.numpy()} & {pixels for pixels, _ in parts}


@pytest.mark.parametrize("name", ["mine.npz", "a+b.npz", "c.npz+validation.npz"])
def test_files_of_arrays(name, tmp_path):
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    np.savez(tmp_path / name, train_x=x, train_y=y, test_x=100 + x[:6], test_y=y[:6])
    assert len(load_dataset(f"{tmp_path / name}").train_x) == 20
    found = load_dataset(f"{tmp_path / name}+validation")
    assert found.name == f"{name.removesuffix('.npz')}+validation"
    assert (len(found.train_x), len(found.test_x)) == (14, 6)
    assert max(found.train_x.max(), found.test_x.max()) < 100


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "emnist_balanced"])
def test_files_are_expected_under_the_name_without_the_ending(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for data_dir, said in ((None, f"data/{name}"), (tmp_path, str(tmp_path / name))):
        with pytest.raises(MissingFileError, match=f" in {said}:"):
            load_dataset(f"{name}+validation", data_dir)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnist+foo", r"unknown ending '\+foo' of data set 'mnist\+foo': Known names: \+validation"),
        ("mnist+validatoin", r"did you mean '\+validation'\?"),
        ("digits+", r"unknown ending '\+' of data set 'digits\+'"),
        ("digit+validation", "unknown data set 'digit': did you mean 'digits'"),
        ("digits+validation+validation", r"unknown data set 'digits\+validation'"),
        ("+validation", "unknown data set ''"),
    ],
)
def test_other_endings_and_names(name, message):
    with pytest.raises(UnknownNameError, match=message):
        load_dataset(name)
