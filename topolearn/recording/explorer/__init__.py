"""The layer explorer of a run: its layers throughout training, on one page."""

from topolearn.recording.explorer.run_scene import explore_run

__all__ = ["explore_run"]
