"""Recording of runs: metrics, topology and measures of any training loop, written to a directory and read back."""

from topolearn.recording.history import History
from topolearn.recording.record import record
from topolearn.recording.run import Run
from topolearn.recording.tasks import resume, train
from topolearn.recording.writing.loggers import Logger, NetworkLogger, PictureLogger, TensorBoardLogger
from topolearn.recording.writing.measuring import DEFAULT, check_measures
from topolearn.recording.writing.recorder import Recorder

__all__ = [
    "DEFAULT",
    "History",
    "Logger",
    "NetworkLogger",
    "PictureLogger",
    "Recorder",
    "Run",
    "TensorBoardLogger",
    "check_measures",
    "record",
    "resume",
    "train",
]
