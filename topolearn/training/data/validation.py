"""`hold_out`: replaces the test examples with held-out training examples, for choosing settings."""

import numpy as np
import torch

from topolearn.errors import InvalidValueError
from topolearn.training.data.dataset import Dataset

VALIDATION = "+validation"  # suffix of a data set's name


def hold_out(data: Dataset) -> Dataset:
    """Return a data set of the training examples only, with some of them held out in place of the test examples.

    The number of held-out examples equals the number of test examples. They are a fixed, stratified random sample. The
    original test examples are in neither split.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    Dataset
        The new data set, with ``+validation`` appended to its name.

    Raises
    ------
    InvalidValueError
        When more than half of the training examples would be held out, or a class has too few examples.

    Examples
    --------
    >>> from topolearn.training import load_dataset
    >>> data = hold_out(load_dataset("digits"))
    >>> data.name, len(data.train_x), len(data.test_x)
    ('digits+validation', 1077, 360)
    """
    from sklearn.model_selection import train_test_split

    name, n_train, n_test = f"{data.name}{VALIDATION}", len(data.train_x), len(data.test_x)
    advice = f"choose settings with other data, or train with {data.name!r}"
    if 2 * n_test > n_train:
        raise InvalidValueError(
            f"data set {name!r} would hold out {n_test} of {n_train} training examples, the number of test examples, "
            f"but may hold out at most half: {advice}"
        )
    try:
        kept, held = train_test_split(np.arange(n_train), test_size=n_test, random_state=0, stratify=data.train_y)
    except ValueError as error:  # a class with one example, or more classes than examples to hold out
        raise InvalidValueError(
            f"data set {name!r} cannot have every class in both splits ({error}): {advice}"
        ) from None
    train, test = (torch.from_numpy(np.sort(rows)) for rows in (kept, held))
    return Dataset(name, data.train_x[train], data.train_y[train], data.train_x[test], data.train_y[test])
