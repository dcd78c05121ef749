"""What a recording keeps, and where it stands."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from topolearn.recording.watched import Watched

RECORDING = "recording.json"
TOPOLOGY = "topology"  # the folder of the history
FORMAT = 1  # of a run directory: raise it when an earlier topolearn could not continue it


@dataclass(frozen=True)
class Plan:
    """What a recording keeps.

    Attributes
    ----------
    measures : tuple of str
    every : int
        Updates from one measurement to the next, and from one snapshot to the next.
    history : {"full", "snapshots", "summary"}
    """

    measures: tuple[str, ...]
    every: int
    history: str

    def describe(self, found: Watched) -> dict[str, Any]:
        """Return the content of ``recording.json``: what is kept, of what, and since when."""
        return {
            "format": FORMAT,
            "measures": list(self.measures),
            "every": self.every,
            "history": self.history,
            "topology": found.describe(),
            "first_step": found.step or 0,
            "first_update": found.n_updates,
        }


class Place(NamedTuple):
    """Where a recording stands: updates recorded, updates made before the first of them, and seconds recorded."""

    n_recorded: int
    first_update: int
    seconds: float
