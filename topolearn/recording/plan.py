"""The files of a run directory, what a recording keeps, and how far it has got."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from topolearn.errors import CorruptFileError, MissingFileError
from topolearn.files import is_aside, read_json
from topolearn.recording.integrity.listed import MANIFEST
from topolearn.recording.integrity.manifest import Manifest
from topolearn.recording.settings import OF_A_LOOP, OF_A_TASK
from topolearn.recording.tables.growing import LAYERS, MEASURED, METRICS, NETWORKS
from topolearn.recording.writing.watched import Watched
from topolearn.task_registry import TASKS

RECORDING = "recording.json"
ENVIRONMENT = "environment.json"
SUMMARY = "summary.json"
TOPOLOGY = "topology"  # the folder of the history
LOCK = ".lock"
DROPPED = re.compile(r"dropped-\d+")  # folders of what a recording held before it began again
FORMAT = 1  # of a run directory; raise it when earlier versions could not continue a run
TABLES = (METRICS, LAYERS, NETWORKS, MEASURED)

# What a run directory may hold if its recording has not started, for example because it was killed right away.
OF_A_START = {
    OF_A_TASK, OF_A_LOOP, ENVIRONMENT, *TABLES, TOPOLOGY, MANIFEST, "checkpoints", "tensorboard",
}  # fmt: skip


def is_run(path: Path) -> bool:
    """Return whether a directory is a run directory."""
    return any((path / name).is_file() for name in (OF_A_TASK, RECORDING))


def others_in(path: Path) -> list[str]:
    """Return the names in a run directory that no run writes, sorted."""
    of_runs = OF_A_START | {RECORDING, SUMMARY, "figures", "report.html", "explorer.html", LOCK}
    of_tasks = {name for task in TASKS.values() for name in task.files}
    names = {each.name for each in path.iterdir()} - of_runs - of_tasks
    return sorted(name for name in names if not (is_aside(name) or DROPPED.fullmatch(name)))


def may_begin(path: Path) -> bool:
    """Return whether a directory holds only files from the start of a recording, and temporary files."""
    return path.is_dir() and all(each.name in OF_A_START or each.name.startswith(".") for each in path.iterdir())


def is_stump(path: Path) -> bool:
    """Return whether a directory was left by a run that was killed before its configuration was written."""
    return path.is_dir() and not any(file.is_file() and not file.name.startswith(".") for file in path.rglob("*"))


def manifest_of(path: Path) -> Manifest:
    """Return the manifest of a run directory, which lists the files of the recorder and of the task, if any."""
    of_tasks = [name for task in TASKS.values() for name in task.files] if (path / OF_A_TASK).is_file() else []
    names = (OF_A_TASK, OF_A_LOOP, ENVIRONMENT, RECORDING, SUMMARY, *TABLES, TOPOLOGY, *of_tasks)
    return Manifest(path, names, growing=(*TABLES, f"{TOPOLOGY}/open-"))


def should_have_manifest(path: Path) -> bool:
    """Return whether a run was started with a manifest; runs of earlier versions were not."""
    try:
        return bool(read_json(path / RECORDING).get("manifest"))
    except (MissingFileError, CorruptFileError):  # it was killed earlier, or reading the file raises later
        return False


@dataclass(frozen=True)
class Plan:
    """What a recording keeps.

    Attributes
    ----------
    measures : tuple of str
    every : int
        Number of updates between measurements.
    history : {"full", "snapshots", "summary"}
    snapshot_every : int or None
        Number of updates between snapshots; None takes them only when `Recorder.snapshot` is called.
    """

    measures: tuple[str, ...]
    every: int
    history: str
    snapshot_every: int | None

    def describe(self, watched: Watched) -> dict[str, Any]:
        """Return the content of ``recording.json``: what is recorded, and from which step."""
        return {
            "format": FORMAT,
            "measures": list(self.measures),
            "every": self.every,
            "history": self.history,
            "topology": watched.describe(),
            "outputs": watched.outputs(),
            "inits": watched.inits(),
            "groups": [asdict(group) for group in watched.groups()],
            "first_step": watched.step or 0,
            "first_update": watched.n_updates,
            "manifest": True,
        }


class Place(NamedTuple):
    """How far a recording has got: updates recorded, updates made before recording began, and seconds recorded."""

    n_recorded: int
    first_update: int
    seconds: float
