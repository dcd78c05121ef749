"""Data sets held in memory: the bundled digits, MNIST and similar sets from their files, and your own arrays."""

from topolearn.training.data.dataset import Dataset, from_arrays
from topolearn.training.data.downloads import DOWNLOADS, download
from topolearn.training.data.idx import read_idx
from topolearn.training.data.sources import DATASETS, DatasetSource, dataset_folder, load_dataset
from topolearn.training.data.validation import VALIDATION, hold_out

__all__ = [
    "DATASETS",
    "DOWNLOADS",
    "Dataset",
    "DatasetSource",
    "VALIDATION",
    "dataset_folder",
    "download",
    "from_arrays",
    "hold_out",
    "load_dataset",
    "read_idx",
]
