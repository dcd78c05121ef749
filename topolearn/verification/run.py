"""The files of a run: compared with its manifest, and read."""

from pathlib import Path

from topolearn.errors import CorruptFileError, TopolearnError
from topolearn.recording.manifest import CUT, MANIFEST, MISSING, UNCHECKED, WHOLE, Finding
from topolearn.recording.plan import TOPOLOGY, manifest_of
from topolearn.verification.file import CORRUPT, check_file, read_history, reader_of


def check_run(path: Path) -> list[Finding]:
    """Return how each file of a run stands."""
    manifest = manifest_of(path)
    try:
        findings = manifest.check()
    except CorruptFileError as error:
        findings = [Finding(MANIFEST, CORRUPT, manifest.path.stat().st_size, str(error)), *manifest.unlisted()]
    checked = [_read_too(path, each) for each in findings]
    return _with_history(path, checked)


def _read_too(path: Path, finding: Finding) -> Finding:
    """Return how a file stands once it is read, too."""
    if finding.state not in (WHOLE, UNCHECKED) or finding.file.startswith(f"{TOPOLOGY}/"):
        return finding
    if not (path / finding.file).is_file() or reader_of(path / finding.file) is None:
        return finding
    read = check_file(path / finding.file)
    return finding if read.state == WHOLE else finding._replace(state=read.state, detail=read.detail)


def _with_history(path: Path, findings: list[Finding]) -> list[Finding]:
    """Read the history in one pass, as its files are known by each other; what is wrong is told of the folder."""
    of_topology = [each for each in findings if each.file.startswith(f"{TOPOLOGY}/")]
    if any(each.state in (CUT, MISSING) for each in of_topology) or not of_topology:
        return findings
    try:
        read_history(path / TOPOLOGY)
    except TopolearnError as error:
        return [*findings, Finding(TOPOLOGY, CORRUPT, 0, str(error))]
    return findings
