"""The topology of a run at every update, kept in files."""

from topolearn.training.history.history import KEPT, History

__all__ = ["KEPT", "History"]
