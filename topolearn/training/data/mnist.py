"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, from its four IDX files."""

from pathlib import Path

from topolearn.training.data.dataset import Dataset, from_arrays
from topolearn.training.data.idx import read_idx_set

CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def load_mnist(folder: Path) -> Dataset:
    """Read MNIST from a folder; pixels stay uint8.

    Raises
    ------
    MissingFileError, CorruptFileError
        When files are missing, cut off, or not those of MNIST.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner (1998), "Gradient-based learning applied to document recognition".
    """
    files = read_idx_set(folder, CHECKSUMS, "MNIST")
    train_x, train_y, test_x, test_y = files.values()
    return from_arrays("mnist", {"train_x": train_x, "train_y": train_y, "test_x": test_x, "test_y": test_y})
