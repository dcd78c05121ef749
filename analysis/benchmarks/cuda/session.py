"""`Session`: the stages in order, each in its own process, and the JSON of all measurements."""

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import topolearn
from analysis.benchmarks.cuda.accelerator import name_of
from analysis.benchmarks.cuda.catalogue import GRACE, STAGES
from analysis.benchmarks.cuda.sizes import REAL, SMALL, Sizes
from analysis.benchmarks.cuda.stage import Row, Stage, missing_of
from topolearn.devices import processor
from topolearn.files import write_json

PACKAGES = ("torch", "numpy", "scipy", "numba", "networkx", "igraph", "triton", "pandas", "matplotlib", "safetensors")
POLL = 0.5  # seconds between two reads of a process's measurements
JSON = "cuda.json"

Runner = Callable[[Stage, bool, str, Callable[[Row], None]], str]  # returns why it ended early, or ""


class Session:
    """Measures stages, and writes the result after every row.

    Parameters
    ----------
    device : torch.device
    out : Path
        The directory for the JSON, which must exist.
    small : bool
        Whether to use small sizes, for a test.
    run : callable
        How to run a stage: `in_process` or `here`.

    Attributes
    ----------
    result : dict
        The content of the JSON: ``about``, and for each stage its rows, its seconds, and how it ended.
    """

    def __init__(self, device: torch.device, out: Path, *, small: bool, run: Runner) -> None:
        self.device, self.out, self.small = device, out, small
        self._run = run
        self.result: dict[str, Any] = {"about": about(device, small=small), "stages": {}}

    @property
    def sizes(self) -> Sizes:
        """The sizes of the stages."""
        return SMALL if self.small else REAL

    def measure(self, names: Sequence[str]) -> dict[str, Any]:
        """Measure the named stages in order, and return the result."""
        for name in names:
            self._stage(STAGES[name])
        return self.result

    def _stage(self, stage: Stage) -> None:
        entry: dict[str, Any] = {"limit": stage.limit, "cases": 0, "rows": [], "seconds": 0.0, "ended": "running"}
        self.result["stages"][stage.name] = entry
        start = time.perf_counter()
        cases = stage.cases(self.sizes, self.device)
        entry["cases"] = len(cases)

        def write(row: Row) -> None:
            entry["rows"].append(row)
            entry["seconds"] = round(time.perf_counter() - start, 1)
            self._save()

        missing, problem = stage.missing, ""
        if missing:
            entry["ended"] = f"skipped: {', '.join(missing)} not installed"
        else:
            problem = self._run(stage, self.small, str(self.device), write)
            left = len(cases) - len(entry["rows"])
            cut = f"cut short: {left} of {len(cases)} cases were not measured"
            entry["ended"] = "complete" if not left else f"{cut} ({problem})" if problem else cut
        entry["seconds"] = round(time.perf_counter() - start, 1)
        self._save()
        print(f"{stage.name}: {entry['seconds']} s, {len(entry['rows'])} rows, {entry['ended']}", flush=True)

    def _save(self) -> None:
        write_json(self.out / JSON, self.result)


def about(device: torch.device, *, small: bool) -> dict[str, Any]:
    """Return a description of the machine: names, versions, and missing packages."""
    return {
        "device": str(device),
        "name": name_of(device),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "topolearn": topolearn.__version__,
        "versions": {name: found_version(name) for name in PACKAGES},
        "CUDA": torch.version.cuda,
        "not installed": missing_of(sorted({name for stage in STAGES.values() for name in stage.needs})),
        "small": small,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def found_version(name: str) -> str | None:
    """Return the version of a package, or None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def here(stage: Stage, small: bool, device: str, write: Callable[[Row], None]) -> str:
    """Measure a stage in this process, for devices that only this process has registered."""
    stage.rows(SMALL if small else REAL, torch.device(device), write)
    return ""


def in_process(stage: Stage, small: bool, device: str, write: Callable[[Row], None]) -> str:
    """Measure a stage in its own process, so that device errors and hangs do not affect other stages."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows.jsonl")
        rows.touch()
        command = [sys.executable, "-m", "analysis.benchmarks.cuda", "--device", device, "--stage", stage.name]
        command += ["--rows", str(rows), *(["--small"] if small else [])]
        process = subprocess.Popen(command, process_group=0)
        try:
            return _followed(process, rows, stage.limit + GRACE, write)
        finally:
            with suppress(ProcessLookupError):  # also ends its children, such as compilers
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _followed(process: subprocess.Popen[bytes], rows: Path, limit: float, write: Callable[[Row], None]) -> str:
    """Write the rows of a process as they arrive; return the reason if it fails or exceeds the time limit, else ""."""
    end, n_read = time.perf_counter() + limit, 0
    while True:
        status = process.poll()
        lines = rows.read_text(encoding="utf-8").split("\n")[:-1]
        for line in lines[n_read:]:
            write(json.loads(line))
        n_read = len(lines)
        if status is not None:
            return f"the process ended with {status}" if status else ""
        if time.perf_counter() > end:
            return f"ended after {limit:.0f} s"
        time.sleep(POLL)
