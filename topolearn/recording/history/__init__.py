"""The topology of a run at every update, kept in files."""

from topolearn.recording.history.history import KEPT, History, check_kept

__all__ = ["KEPT", "History", "check_kept"]
