"""Checks that a continued run is unchanged: its files, software versions and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from topolearn.errors import ChangedRunError, CorruptFileError, MissingFileError
from topolearn.files import read_json, write_json
from topolearn.recording.documents import ACCEPTED
from topolearn.recording.environment import versions
from topolearn.recording.integrity.listed import MANIFEST, WRONG
from topolearn.recording.integrity.manifest import Manifest
from topolearn.recording.plan import ENVIRONMENT, SUMMARY, should_have_manifest
from topolearn.recording.writing.holding import Hold


def take_up(path: Path, *, data: str = "", known: Sequence[str] = (), accept_changes: bool = False) -> Hold:
    """Return the hold on a run that is to be continued, after checking that the run is unchanged.

    Parameters
    ----------
    path : Path
        The run directory.
    data : str
        Checksum of the training data; empty if not known.
    known : sequence of str
        Descriptions of changes that are already known.
    accept_changes : bool
        Continue in spite of changes, which are noted in the run.

    Raises
    ------
    InvalidValueError
        When another process is writing to the run.
    ChangedRunError
        When something has changed; the message lists the changes.
    """
    hold = Hold(path)
    try:
        now = versions() | ({"data": data} if data else {})
        changes = [*_of_files(path, hold.manifest, accept_changes=accept_changes), *_of_surroundings(path, now), *known]
        if changes and not accept_changes:
            raise ChangedRunError(
                f"the run in {path} has changed: {'; '.join(changes)}. Restore the original state, or continue anyway "
                "with accept_changes=True"
            )
        hold.accepted, hold.surroundings = changes, now
    except BaseException:
        hold.release()
        raise
    return hold


def accept(path: Path) -> None:
    """Update the manifest of a run to its current files, and note in the run what had changed.

    Raises
    ------
    InvalidValueError
        When another process is writing to the run.
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
    """Describe the files that have changed since they were written."""
    if not manifest.exists:
        return [f"{MANIFEST} is missing"] if should_have_manifest(path) else []
    try:
        wrong = [each for each in manifest.check() if each.state in WRONG]
    except CorruptFileError as error:
        if not accept_changes:
            raise
        return [str(error)]
    return [f"{each.file} {each.detail}" for each in wrong]


def _of_surroundings(path: Path, now: Mapping[str, str]) -> list[str]:
    """Describe the versions and data that differ from those with which the run was last computed."""
    before = _environment(path)
    changed = {name: (before[name], value) for name, value in now.items() if before.get(name, value) != value}
    return [
        "the checksum of its data differs" if name == "data" else f"{name} was {old} and is now {new}"
        for name, (old, new) in changed.items()
    ]


def note(path: Path, changes: list[str], surroundings: Mapping[str, str]) -> None:
    """Write accepted changes, and the versions and data with which a run continues, into its environment."""
    before = _environment(path)
    write_json(path / ENVIRONMENT, {**before, **surroundings, ACCEPTED: [*before.get(ACCEPTED, []), *changes]})


def _environment(path: Path) -> Mapping[str, Any]:
    try:
        return read_json(path / ENVIRONMENT)
    except (MissingFileError, CorruptFileError):  # the run was killed earlier, or its manifest reports the file
        return {}
