"""Commands in separate processes with restricted resources: limits, closed streams, read-only places."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

TRAIN = ["train", "--epochs", "2", "--hidden", "32", "32", "--batch-size", "32", "--update-interval", "10"]
TRAIN += ["--threads", "1", "--density", "0.1", "--backend", "csr", "--quiet"]
PATIENCE = 300  # seconds, of which a machine that does much else may need most


def command(*words, options=()):
    """Return the words that start a command."""
    return [sys.executable, *options, "-m", "topolearn", *map(str, words)]


def start(words):
    """Start a command as the leader of a process group, and keep its standard error."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        words, env=environment, preexec_fn=limited(), start_new_session=True,  # noqa: PLW1509
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def limited(**limits):
    """Return a function that sets limits, by their names without RLIMIT_, in a process before it starts."""

    def set_limits():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # wherever the tests were started
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    return set_limits


def run(words, *, env=None, without=(), prepare=None, shell=None, **options):
    """Run a command to its end; with `shell`, as part of a line in which ``"$@"`` stands for it."""
    environment = {name: value for name, value in os.environ.items() if name not in without} | (env or {})
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    words = words if shell is None else ["bash", "-c", f"set -o pipefail; {shell}", "bash", *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(
        words, env=environment, preexec_fn=prepare or limited(), timeout=PATIENCE, text=True, errors="replace",
        check=False, **streams,
    )  # fmt: skip


def assert_one_line(done, *said):
    """Check that the process ended by itself, with at most one line of complaints."""
    assert done.returncode >= 0, f"signal {-done.returncode}: {done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if "UserWarning" not in line and not line.startswith("  ")]
    assert len(lines) <= 1, done.stderr
    for words in said:
        assert words in done.stderr
