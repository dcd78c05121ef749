"""Checks the files of a run by comparing them with its manifest, and by reading them."""

import warnings
from pathlib import Path

from topolearn.errors import ChangedFileWarning, CorruptFileError, TopolearnError
from topolearn.recording.integrity.listed import CUT, MANIFEST, MISSING, UNCHECKED, WHOLE, Finding
from topolearn.recording.plan import TOPOLOGY, manifest_of, should_have_manifest
from topolearn.recording.run import Run
from topolearn.recording.tables.growing import LAYERS, MEASURED, NETWORKS
from topolearn.verification.file import CORRUPT, check_file, read_history, reader_of


def check_run(path: Path) -> list[Finding]:
    """Return the state of each file of a run."""
    manifest = manifest_of(path)
    try:
        findings = manifest.check()
    except CorruptFileError as error:
        findings = [Finding(MANIFEST, CORRUPT, manifest.path.stat().st_size, str(error)), *manifest.unlisted()]
    if not manifest.exists and should_have_manifest(path):
        findings.append(Finding(MANIFEST, MISSING, 0, "is missing, so the other files cannot be compared with it"))
    checked = [_read_too(path, each) for each in findings]
    if any(each.state in (CUT, MISSING, CORRUPT) for each in checked):
        return checked  # checking the files against each other would only repeat these findings
    return [*checked, *_together(path)]


def _read_too(path: Path, finding: Finding) -> Finding:
    """Return the state of a file after reading it as well."""
    if finding.state not in (WHOLE, UNCHECKED) or finding.file.startswith(f"{TOPOLOGY}/"):
        return finding
    if not (path / finding.file).is_file() or reader_of(path / finding.file) is None:
        return finding
    read = check_file(path / finding.file)
    return finding if read.state == WHOLE else finding._replace(state=read.state, detail=read.detail)


def _together(path: Path) -> list[Finding]:
    """Check the history and the tables, which depend on each other, and return findings for corrupt ones."""
    run = Run(path)
    findings = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChangedFileWarning)  # already among the findings
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
