"""The bundled default data set: 1,797 handwritten digits of 8 x 8 pixels, from scikit-learn."""

import numpy as np

from topolearn.training.data.dataset import Dataset, from_arrays

N_TEST = 360


def load_digits() -> Dataset:
    """Return the digits: 1,437 for training and 360 for testing, in a fixed, stratified random split.

    References
    ----------
    Alpaydin, Kaynak (1998), "Optical recognition of handwritten digits", UCI Machine Learning Repository.
    """
    from sklearn.datasets import load_digits as bundled
    from sklearn.model_selection import train_test_split

    x, y = bundled(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        x.astype(np.uint8), y, test_size=N_TEST, random_state=0, stratify=y
    )
    return from_arrays("digits", {"train_x": train_x, "train_y": train_y, "test_x": test_x, "test_y": test_y})
