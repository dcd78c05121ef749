"""Continuing a run: its files are cut at the topology's current step."""

import math
import shutil
from itertools import count
from pathlib import Path
from typing import Any

from topolearn.errors import CheckpointError, CorruptFileError, InvalidValueError
from topolearn.recording.documents import read_document
from topolearn.recording.history import FULL, History
from topolearn.recording.integrity.manifest import Manifest
from topolearn.recording.plan import ENVIRONMENT, FORMAT, RECORDING, SUMMARY, TABLES, TOPOLOGY, Place, Plan, manifest_of
from topolearn.recording.settings import OF_A_LOOP, OF_A_TASK
from topolearn.recording.tables.growing import LAYERS, MEASURED, METRICS, NETWORKS, Table, read_table
from topolearn.recording.writing.watched import Watched
from topolearn.terminal import warn_user


def cut(path: Path, watched: Watched, plan: Plan, manifest: Manifest) -> Place | None:
    """Drop everything after the current step, and return how far the recording has got; None if it has not begun.

    Raises
    ------
    InvalidValueError
        When the run was recorded with other options, or began at a later step.
    CheckpointError
        When model and topology do not match the run at this step.
    CorruptFileError
        When a file is missing or damaged.
    """
    if not (path / RECORDING).is_file():
        _check_not_begun(path)
        return None
    recorded = read_document(path / RECORDING)
    _check_plan(path, recorded, plan)
    step = math.inf if watched.step is None else watched.step
    index = watched.n_updates - int(recorded["first_update"])
    if index < 0 or step < recorded["first_step"]:
        raise InvalidValueError(
            f"the run in {path} began at step {recorded['first_step']}, but the topology is at step {step}: restore "
            "the state from which to continue"
        )
    history = History(path / TOPOLOGY)
    _check_layers(path, history, watched)
    if manifest.exists:
        manifest.loosen()  # all files, while they are cut
    if step == 0 and not (path / OF_A_TASK).is_file():  # a task trainer starts again if it has no checkpoint
        set_aside(path)
    for name in TABLES:
        Table(path / name).cut(step)
    history.truncate(index)
    _check_whole(path, index, plan, watched)
    seconds = math.nan  # unknown if the recording was never closed
    if (path / SUMMARY).is_file():
        seconds = float(read_document(path / SUMMARY)["seconds"])
        (path / SUMMARY).unlink()
    return Place(index, int(recorded["first_update"]), seconds)


def begin_again(path: Path) -> None:
    """Remove the files of a recording that was killed before its start was complete."""
    for name in TABLES:
        (path / name).unlink(missing_ok=True)
    for file in (path / TOPOLOGY).glob("*-*"):
        file.unlink()


def _check_not_begun(path: Path) -> None:
    """Raise for a run that has rows but no ``recording.json``, such as those of an earlier version."""
    layers = read_table(path / LAYERS)
    if len(layers) and "index" not in layers:
        raise InvalidValueError(
            f"{path} was recorded by an earlier version of topolearn: this version can read it, but only that one can "
            "continue it"
        )
    if len(read_table(path / METRICS)):
        raise CorruptFileError(
            f"{path / RECORDING} is missing, although {path / METRICS} has rows: restore it, or record into another "
            "directory"
        )


def _check_plan(path: Path, recorded: dict[str, Any], plan: Plan) -> None:
    if recorded.get("format") != FORMAT:
        raise InvalidValueError(
            f"{path} has recording format {recorded.get('format')}, but this version of topolearn can only continue "
            f"format {FORMAT}: continue the run with the version that started it"
        )
    for name, given in (("measures", list(plan.measures)), ("every", plan.every), ("history", plan.history)):
        if recorded[name] != given:
            raise InvalidValueError(
                f"{name}={given!r}, but the run in {path} was started with {name}={recorded[name]!r}: use the same "
                "value to continue it"
            )


def _check_layers(path: Path, history: History, watched: Watched) -> None:
    """Raise if the links of the model are not those of the run at this step."""
    if watched.layers and not history.exists:
        raise CorruptFileError(
            f"{history.path} is missing, and the run in {path} cannot continue without it: restore it, or start a new "
            "run in another directory"
        )
    if history.layers != watched.layers:
        raise CheckpointError(
            f"the sparse layers of the run in {path} are {', '.join(history.layers) or 'none'}, but those of the model "
            f"are {', '.join(watched.layers) or 'none'}: continue the run with the model that it was started with"
        )
    if not watched.layers:
        return
    graphs = watched.network().graphs
    if history.kept == FULL and watched.step is not None:
        same = {name: graph == graphs[name] for name, graph in history.at(watched.step).items()}
    else:
        rows = read_table(path / LAYERS)
        rows = rows if watched.step is None else rows[rows["step"] <= watched.step]
        counts = rows.groupby("layer", sort=False)["n_links"].last()
        same = {str(name): graphs[str(name)].n_links == count for name, count in counts.items()}
    for name, is_same in same.items():
        if not is_same:
            raise CheckpointError(
                f"the links of layer {name!r} differ from those of the run in {path} at step {watched.step}: restore "
                "the model, optimizer and topology of that run first"
            )


def set_aside(path: Path) -> None:
    """Copy the files of a run that starts again after having made progress into a subfolder, and warn about it."""
    history = History(path / TOPOLOGY)
    n_updates, n_rows = sum(at > 0 for at in history.steps), len(read_table(path / METRICS))
    if not (n_updates or n_rows):
        return
    kept = next(folder for i in count(1) if not (folder := path / f"dropped-{i}").exists())
    kept.mkdir()
    for name in (OF_A_LOOP, ENVIRONMENT, RECORDING, *TABLES):
        if (path / name).is_file():
            shutil.copy2(path / name, kept)
    if (path / TOPOLOGY).is_dir():
        shutil.copytree(path / TOPOLOGY, kept / TOPOLOGY)
    manifest_of(kept).begin()
    warn_user(
        f"the topology is at step 0, so the run in {path} starts again; its {n_rows} rows of metrics and "
        f"{n_updates} updates are kept in {kept}: to continue it instead, restore the last checkpoint first",
    )


def _check_whole(path: Path, index: int, plan: Plan, watched: Watched) -> None:
    """Raise if a table lacks rows up to an update."""
    due = {NETWORKS: index}
    if watched.layers:
        due[LAYERS] = index
    if watched.layers and plan.measures and watched.step is not None:
        due[MEASURED] = index // plan.every * plan.every
    for name, last in due.items():
        table = read_table(path / name, key="index")
        if table.empty or table["index"].iloc[-1] < last:
            what = f"update {last}" if last else "the start"
            raise CorruptFileError(f"{path / name} is missing, or has no row for {what}: start the run again")
