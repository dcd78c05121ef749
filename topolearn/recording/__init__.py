"""Recording of runs: metrics, topology and measures of any training loop, written to a directory and read back."""

from topolearn.recording.history import History
from topolearn.recording.loggers import Logger, NetworkLogger, PictureLogger, TensorBoardLogger
from topolearn.recording.measuring import DEFAULT, check_measures
from topolearn.recording.record import record
from topolearn.recording.recorder import Recorder
from topolearn.recording.run import Run
from topolearn.recording.tasks import resume, train

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
