"""The topology of a run at every update, stored in files."""

from topolearn.recording.history.history import FULL, KEPT, SNAPSHOTS, History, check_kept

__all__ = ["FULL", "KEPT", "SNAPSHOTS", "History", "check_kept"]
