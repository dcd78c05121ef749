"""Fashion-MNIST: 70,000 pictures of clothes of 28 x 28 pixels, from its four IDX files."""

from pathlib import Path

from topolearn.training.data.dataset import Dataset, from_arrays
from topolearn.training.data.idx import read_idx_set

CHECKSUMS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def load_fashion_mnist(folder: Path) -> Dataset:
    """Read Fashion-MNIST from a folder; pixels stay uint8.

    Raises
    ------
    MissingFileError, CorruptFileError
        When files are missing, cut off, or not those of Fashion-MNIST (MNIST's files have the same names).

    References
    ----------
    Xiao, Rasul, Vollgraf (2017), "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms".
    """
    files = read_idx_set(folder, CHECKSUMS, "Fashion-MNIST")
    train_x, train_y, test_x, test_y = files.values()
    return from_arrays("fashion_mnist", {"train_x": train_x, "train_y": train_y, "test_x": test_x, "test_y": test_y})
