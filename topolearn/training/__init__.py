"""The main job: configuration, data, models, the loop, and the run directory that it leaves behind."""

from topolearn.training.config import TrainConfig
from topolearn.training.data import DATASETS, Dataset, load_dataset
from topolearn.training.history import History
from topolearn.training.loggers import Logger, TensorBoardLogger
from topolearn.training.loop import resume, train
from topolearn.training.models import mlp
from topolearn.training.run import Run

__all__ = [
    "DATASETS",
    "Dataset",
    "History",
    "Logger",
    "Run",
    "TensorBoardLogger",
    "TrainConfig",
    "load_dataset",
    "mlp",
    "resume",
    "train",
]
