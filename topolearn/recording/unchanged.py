"""Whether a run that goes on is what it was: its files, and what it was computed by and from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from topolearn.errors import ChangedRunError, CorruptFileError, MissingFileError
from topolearn.files import read_json, write_json
from topolearn.recording.documents import ACCEPTED
from topolearn.recording.environment import versions
from topolearn.recording.holding import Hold
from topolearn.recording.listed import MANIFEST, WRONG
from topolearn.recording.manifest import Manifest
from topolearn.recording.plan import ENVIRONMENT, SUMMARY, should_have_manifest


def take_up(path: Path, *, data: str = "", known: Sequence[str] = (), accept_changes: bool = False) -> Hold:
    """Return the hold of a run that goes on, once it is known to be as it was left.

    Parameters
    ----------
    path : Path
        Of the run.
    data : str
        Checksum of what it is trained on; empty where that is not known.
    known : sequence of str
        What is known to have changed, in words.
    accept_changes : bool
        Go on with what has changed, which is noted in the run.

    Raises
    ------
    InvalidValueError
        When somebody else writes the run.
    ChangedRunError
        When something has changed: says what.
    """
    hold = Hold(path)
    try:
        now = versions() | ({"data": data} if data else {})
        changes = [*_of_files(path, hold.manifest, accept_changes=accept_changes), *_of_surroundings(path, now), *known]
        if changes and not accept_changes:
            raise ChangedRunError(
                f"the run in {path} would not go on as it began: {'; '.join(changes)}. Put back what was there, or go "
                "on as it is now by accept_changes=True"
            )
        hold.accepted, hold.surroundings = changes, now
    except BaseException:
        hold.release()
        raise
    return hold


def accept(path: Path) -> None:
    """List the files of a run as they are now, and note in it what had changed.

    Raises
    ------
    InvalidValueError
        When somebody else writes the run.
    """
    with Hold(path) as hold:
        changes = _of_files(path, hold.manifest, accept_changes=True)
        if changes:
            note(path, changes, {})
        hold.manifest.close(complete=_is_complete(path))


def _is_complete(path: Path) -> bool:
    try:
        return bool(read_json(path / SUMMARY).get("complete"))
    except (MissingFileError, CorruptFileError):
        return False


def _of_files(path: Path, manifest: Manifest, *, accept_changes: bool) -> list[str]:
    """Return in words which files are not as they were written."""
    if not manifest.is_there:
        return [f"{MANIFEST} is missing"] if should_have_manifest(path) else []
    try:
        wrong = [each for each in manifest.check() if each.state in WRONG]
    except CorruptFileError as error:
        if not accept_changes:
            raise
        return [str(error)]
    return [f"{each.file} {each.detail}" for each in wrong]


def _of_surroundings(path: Path, now: Mapping[str, str]) -> list[str]:
    """Return in words which versions and data differ from those with which the run was computed last."""
    before = _environment(path)
    changed = {name: (before[name], value) for name, value in now.items() if before.get(name, value) != value}
    return [
        "its data have another checksum" if name == "data" else f"{name} was {old} and is {new}"
        for name, (old, new) in changed.items()
    ]


def note(path: Path, changes: list[str], surroundings: Mapping[str, str]) -> None:
    """Write into the environment of a run what has changed, and with which versions and data it goes on, if it does."""
    before = _environment(path)
    write_json(path / ENVIRONMENT, {**before, **surroundings, ACCEPTED: [*before.get(ACCEPTED, []), *changes]})


def _environment(path: Path) -> Mapping[str, Any]:
    try:
        return read_json(path / ENVIRONMENT)
    except (MissingFileError, CorruptFileError):  # of a run that was killed before, or whose manifest says so
        return {}
