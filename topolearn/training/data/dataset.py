"""`Dataset`: a labelled data set held in memory, checked on creation."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from topolearn.errors import InvalidValueError

TRAIN, TEST = SPLITS = ("train", "test")
ARRAYS = tuple(f"{split}_{kind}" for split in SPLITS for kind in ("x", "y"))


@dataclass(frozen=True)
class Dataset:
    """Training and test examples with integer labels.

    Features keep their type (uint8 pixels stay uint8) and are standardised batch by batch, with the mean and standard
    deviation of all training features.

    Attributes
    ----------
    name : str
    train_x, test_x : Tensor, shape (n, n_features)
    train_y, test_y : Tensor of int64, shape (n,)
        Labels from 0.

    Raises
    ------
    InvalidValueError
        When features are NaN or infinite, sizes do not agree, or labels are not integers starting from 0.

    Examples
    --------
    >>> x, y = torch.arange(8.0).reshape(4, 2), torch.tensor([0, 1, 0, 1])
    >>> data = Dataset("toy", x, y, x, y)
    >>> data.n_features, data.n_classes
    (2, 2)
    """

    name: str
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor

    def __post_init__(self) -> None:
        for split in SPLITS:
            self._check_split(split, getattr(self, f"{split}_x"), getattr(self, f"{split}_y"))
        if self.train_x.shape[1] != self.test_x.shape[1]:
            raise InvalidValueError(
                f"data set {self.name!r} has {self.train_x.shape[1]} features in train_x, but "
                f"{self.test_x.shape[1]} in test_x: they must agree"
            )
        if self.n_classes > len(self.train_y) + len(self.test_y):
            raise InvalidValueError(
                f"data set {self.name!r} has a label {self.n_classes - 1}, which implies more classes than it has "
                "examples: number the classes 0, 1, 2, ..."
            )

    def _check_split(self, split: str, x: Tensor, y: Tensor) -> None:
        where = f"data set {self.name!r}, {split}_x"
        if x.dim() != 2 or not x.numel():
            raise InvalidValueError(f"{where} has shape {tuple(x.shape)}: it must be (examples, features), not empty")
        if y.shape != x.shape[:1]:
            raise InvalidValueError(f"{where} has {len(x)} examples, but {split}_y has shape {tuple(y.shape)}")
        if x.is_floating_point():
            n_bad = int((~torch.isfinite(x)).any(dim=1).sum())
            if n_bad:
                raise InvalidValueError(
                    f"{where} has NaN or infinite features in {n_bad} of {len(x)} examples: remove or fill them"
                )
        if y.dtype != torch.int64 or int(y.min()) < 0:
            raise InvalidValueError(f"data set {self.name!r}, {split}_y must hold integer labels from 0, as int64")

    @property
    def n_features(self) -> int:
        """Number of features per example."""
        return self.train_x.shape[1]

    @property
    def n_classes(self) -> int:
        """Number of classes: the largest label plus one."""
        return int(max(self.train_y.max(), self.test_y.max())) + 1

    def checksum(self) -> str:
        """Return the sha256 of all examples and labels, including shapes and types, but not the name."""
        whole = hashlib.sha256()
        for name in ARRAYS:
            array = np.ascontiguousarray(getattr(self, name).numpy(force=True))
            whole.update(f"{name} {array.dtype.str} {array.shape}".encode())
            whole.update(array.data)
        return whole.hexdigest()

    def standardisation(self) -> tuple[float, float]:
        """Return the mean and standard deviation of all training features (1 if all are equal)."""
        x = self.train_x.to(torch.float64)
        return float(x.mean()), float(x.std(correction=0)) or 1.0


def from_arrays(name: str, arrays: Mapping[str, np.ndarray]) -> Dataset:
    """Return a data set from NumPy arrays ``train_x, train_y, test_x, test_y``; images are flattened.

    Raises
    ------
    InvalidValueError
        When an array is missing, not numeric, or has invalid content.
    """
    tensors = {}
    for key in ARRAYS:
        if key not in arrays:
            raise InvalidValueError(f"data set {name!r} has no array {key!r}: it needs {', '.join(ARRAYS)}")
        array = np.asarray(arrays[key])
        if array.dtype.kind not in "uifb" or not array.ndim:
            raise InvalidValueError(f"data set {name!r}: {key} has dtype {array.dtype}, but must be numeric")
        if key.endswith("_y"):
            labels = array.astype(np.int64, casting="unsafe") if array.dtype.kind in "uib" else array
            tensors[key] = torch.tensor(labels)
        else:
            with np.errstate(over="ignore"):  # values that are too large become infinite, which is checked later
                keep = array if array.dtype == np.uint8 else array.astype(np.float32)
            tensors[key] = torch.tensor(keep.reshape(len(keep), math.prod(keep.shape[1:])))
    return Dataset(name, **tensors)
