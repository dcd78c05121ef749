"""The files of a run: compared with its manifest, and read."""

import warnings
from pathlib import Path

from topolearn.errors import ChangedFileWarning, CorruptFileError, TopolearnError
from topolearn.recording.listed import CUT, MANIFEST, MISSING, UNCHECKED, WHOLE, Finding
from topolearn.recording.plan import TOPOLOGY, manifest_of, should_have_manifest
from topolearn.recording.run import Run
from topolearn.recording.tables import LAYERS, MEASURED, NETWORKS
from topolearn.verification.file import CORRUPT, check_file, read_history, reader_of


def check_run(path: Path) -> list[Finding]:
    """Return how each file of a run stands."""
    manifest = manifest_of(path)
    try:
        findings = manifest.check()
    except CorruptFileError as error:
        findings = [Finding(MANIFEST, CORRUPT, manifest.path.stat().st_size, str(error)), *manifest.unlisted()]
    if not manifest.is_there and should_have_manifest(path):
        findings.append(Finding(MANIFEST, MISSING, 0, "is missing, by which the others are known"))
    checked = [_read_too(path, each) for each in findings]
    if any(each.state in (CUT, MISSING, CORRUPT) for each in checked):
        return checked  # what they say of each other is wrong anyway
    return [*checked, *_together(path)]


def _read_too(path: Path, finding: Finding) -> Finding:
    """Return how a file stands once it is read, too."""
    if finding.state not in (WHOLE, UNCHECKED) or finding.file.startswith(f"{TOPOLOGY}/"):
        return finding
    if not (path / finding.file).is_file() or reader_of(path / finding.file) is None:
        return finding
    read = check_file(path / finding.file)
    return finding if read.state == WHOLE else finding._replace(state=read.state, detail=read.detail)


def _together(path: Path) -> list[Finding]:
    """Return what is not possible of files that are known by each other: the history in one pass, and the tables."""
    run = Run(path)
    findings = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChangedFileWarning)  # which is in the table
        for name, read in (
            (TOPOLOGY, lambda: read_history(run.history)),
            (NETWORKS, lambda: run.network),
            (LAYERS, lambda: run.layers),
            (MEASURED, lambda: run.measures),
        ):
            try:
                read()
            except TopolearnError as error:
                findings.append(Finding(name, CORRUPT, 0, str(error)))
    return findings
