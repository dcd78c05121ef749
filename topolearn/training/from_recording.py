"""What a training leaves behind, whatever was trained: shown here as well, where users of MLPs look."""

from topolearn.recording import History, Logger, Run, TensorBoardLogger

__all__ = ["History", "Logger", "Run", "TensorBoardLogger"]
