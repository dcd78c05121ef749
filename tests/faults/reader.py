"""A program that reads mutated files, as many as it is told, and says how each reading ended; it is watched."""

import hashlib
import json
import os
import shutil
import sys
import warnings
from pathlib import Path

from tests.faults.mutations import mutate
from tests.faults.subjects import SUBJECTS, files_of

SAME, CLEAR, WARNED, UNNAMED, SILENT, LISTED, TRACEBACK, MEMORY, WRITTEN = ENDS = (
    "unchanged result", "clear error", "warning by the manifest", "error without the file", "silent difference",
    "silent difference that a manifest lists", "traceback", "out of memory", "written into",
)  # fmt: skip
ROOM = 3 * 2**30  # bytes of address space beyond what the imports take


def read(folder, name):
    """Return a digest of all that the reader of a subject makes of its folder."""
    digest = hashlib.sha256()
    for each in SUBJECTS[name][1](folder):
        digest.update(repr(each).encode())
    return digest.hexdigest()


def state_of(folder):
    """Return what every file of a folder holds."""
    return {str(file): (file.read_bytes() if file.is_file() else None) for file in sorted(folder.rglob("*"))}


def attempt(originals, scratch, name, number, kind, seed, wanted):
    """Read a mutated copy of a subject; return how it ended, and what was said."""
    folder = scratch / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(originals / name, folder)
    files = files_of(scratch, name)
    file = files[number % len(files)]
    mutate(file, [other for other in files if other != file] or [file], kind, seed)
    before, told = state_of(folder), str(file.relative_to(folder))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            is_same = read(folder, name) == wanted
        end = SAME if is_same else difference(file, caught)
    except MemoryError as error:
        end, told = MEMORY, f"{told}: {error!r}"
    except Exception as error:
        from topolearn.errors import TopolearnError

        text = str(error)
        is_named = isinstance(error, TopolearnError) and str(folder) in text and "\n" not in text
        end = CLEAR if is_named else UNNAMED if isinstance(error, TopolearnError) else TRACEBACK
        told = f"{told}: {type(error).__name__}: {text}"[:400]
    return (end if state_of(folder) == before else WRITTEN), told


def difference(file, caught):
    """Return how a reading ended that made something else of a file."""
    from topolearn.errors import ChangedFileWarning
    from topolearn.recording.integrity.listed import WRONG
    from topolearn.recording.plan import manifest_of

    if any(each.category is ChangedFileWarning for each in caught):
        return WARNED
    for run in file.parents:
        if (run / "manifest.jsonl").is_file() and file.name != "manifest.jsonl":
            states = {each.file: each.state for each in manifest_of(run).check()}
            return LISTED if states.get(file.relative_to(run).as_posix()) in WRONG else SILENT
    return SILENT


def main():
    """Answer lines of JSON, one for each reading, until there are no more."""
    originals, scratch = map(Path, sys.argv[1:3])
    limit_memory()
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    wanted = {}
    for line in sys.stdin:
        name, number, kind, seed = json.loads(line)
        if name not in wanted:
            shutil.rmtree(scratch / name, ignore_errors=True)
            shutil.copytree(originals / name, scratch / name)
            wanted[name] = read(scratch / name, name)
        print(json.dumps(attempt(originals, scratch, name, number, kind, seed, wanted[name])), file=answers, flush=True)


def limit_memory():
    """Let this process take no more than it needs and some room, as a false size would."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    main()
