"""The task of classification by MLPs: configuration, data, models, the loop, and its checkpoints."""

from topolearn.recording import History, Logger, Run, TensorBoardLogger
from topolearn.training.config import TrainConfig
from topolearn.training.data import DATASETS, Dataset, load_dataset
from topolearn.training.entry_points import load_model, resume, train
from topolearn.training.models import mlp

__all__ = [
    "DATASETS",
    "Dataset",
    "History",
    "Logger",
    "Run",
    "TensorBoardLogger",
    "TrainConfig",
    "load_dataset",
    "load_model",
    "mlp",
    "resume",
    "train",
]
