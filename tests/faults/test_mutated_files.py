"""Mutated files of every kind: each read gives the same result, or an error in one line that names the file."""

import json
import os
import select
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from tests.faults.mutations import KINDS
from tests.faults.reader import CLEAR, ENDS, SAME, SILENT, WARNED, attempt, read
from tests.faults.subjects import SUBJECTS, make_all

SEED = int(os.environ.get("TOPOLEARN_FAULT_SEED", "0"))
N = int(os.environ.get("TOPOLEARN_MUTATIONS", "2000"))
SECONDS = 60  # that a reading may take
SIGNAL, ENDLESS = "signal", "endless"


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    make_all(folder)
    return folder


def trials(n, seed, names=tuple(SUBJECTS)):
    """Return subject, number of the file, kind of change and seed of each mutation."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        yield (
            names[i % len(names)],
            int(rng.integers(10**6)),
            KINDS[i // len(names) % len(KINDS)],
            int(rng.integers(2**31)),
        )


class Reader:
    """A process that reads files, and is restarted if it dies or hangs."""

    def __init__(self, originals, scratch):
        self._arguments = [sys.executable, "-m", "tests.faults.reader", str(originals), str(scratch)]
        self._process = None

    def ask(self, trial):
        """Return how a read ended, and its message."""
        if self._process is None:
            self._process = subprocess.Popen(self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process.stdin.write(json.dumps(trial) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        end = SIGNAL if ready else ENDLESS
        self.close()
        return end, str(trial)

    def close(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_mutated_files_end_in_a_result_or_in_one_line(originals, tmp_path):
    print(f"\nTOPOLEARN_FAULT_SEED={SEED}, {N} mutations")
    counts, told = {name: Counter() for name in SUBJECTS}, []
    reader = Reader(originals, tmp_path)
    try:
        for trial in trials(N, SEED):
            end, words = reader.ask(trial)
            counts[trial[0]][end] += 1
            if end not in (SAME, CLEAR, WARNED):
                told.append((end, trial, words))
    finally:
        reader.close()
    ends = (*ENDS, SIGNAL, ENDLESS)
    print(f"| {'read':24} | {' | '.join(ends)} |")
    for name, of_subject in counts.items():
        print(f"| {name:24} | {' | '.join(f'{of_subject[end]:{len(end)}}' for end in ends)} |")
    for line in told:
        print(*line)
    assert not [each for each in told if each[0] != SILENT]


@pytest.mark.parametrize(("name", "n"), [("graphs", 27), ("data", 27), ("a recorded loop, killed", 9)])
def test_some_mutated_files_end_in_a_result_or_in_one_line(name, n, tmp_path):
    make, _ = SUBJECTS[name]
    originals = tmp_path / "originals"
    (originals / name).mkdir(parents=True)
    make(originals / name)
    (tmp_path / "copy").mkdir()
    shutil.copytree(originals / name, tmp_path / "copy" / name)
    ends, wanted = Counter(), read(tmp_path / "copy" / name, name)
    for trial in trials(n, SEED, (name,)):
        end, told = attempt(originals, tmp_path / "copy", *trial, wanted)
        assert end in (SAME, CLEAR, WARNED, SILENT), (trial, told)
        ends[end] += 1
    assert ends[CLEAR] >= 5
