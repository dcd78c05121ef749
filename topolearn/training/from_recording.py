"""Names from `topolearn.recording` that `topolearn.training` exports as well, for convenience."""

from topolearn.recording import History, Logger, Run, TensorBoardLogger

__all__ = ["History", "Logger", "Run", "TensorBoardLogger"]
