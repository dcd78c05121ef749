"""`hold_out`: training examples in the place of the test examples, to choose settings without these."""

import numpy as np
import torch

from topolearn.errors import InvalidValueError
from topolearn.training.data.dataset import Dataset

VALIDATION = "+validation"  # behind a data set's name


def hold_out(data: Dataset) -> Dataset:
    """Return the training examples alone, some of them in the place of the test examples.

    As many as there are test examples are held out, drawn at random but always alike, with the share of each class
    kept. The test examples are in neither part.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    Dataset, with ``+validation`` behind its name

    Raises
    ------
    InvalidValueError
        When that is more than half of the training examples, or a class has too few of them.

    Examples
    --------
    >>> from topolearn.training import load_dataset
    >>> data = hold_out(load_dataset("digits"))
    >>> data.name, len(data.train_x), len(data.test_x)
    ('digits+validation', 1077, 360)
    """
    from sklearn.model_selection import train_test_split

    name, n_train, n_test = f"{data.name}{VALIDATION}", len(data.train_x), len(data.test_x)
    advice = f"choose settings by other data, or train with {data.name!r}"
    if 2 * n_test > n_train:
        raise InvalidValueError(
            f"data set {name!r} would hold out {n_test} of {n_train} training examples, as many as there are test "
            f"examples, and half is the most: {advice}"
        )
    try:
        kept, held = train_test_split(np.arange(n_train), test_size=n_test, random_state=0, stratify=data.train_y)
    except ValueError as error:  # a class with one example, or more classes than examples to hold out
        raise InvalidValueError(
            f"data set {name!r} cannot have every class in both parts ({error}): {advice}"
        ) from None
    train, test = (torch.from_numpy(np.sort(rows)) for rows in (kept, held))
    return Dataset(name, data.train_x[train], data.train_y[train], data.train_x[test], data.train_y[test])
