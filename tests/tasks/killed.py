"""Kill the training of a task at a step with SIGKILL, and resume it with the command."""

import signal
import subprocess
import sys

import topolearn as tl
from tests.tasks.same_run import assert_same
from topolearn.cli import main

SCRIPT = """
import os, signal, sys
from topolearn.cli import main
from topolearn.tasks.trainer import StepCallback
step = int(sys.argv.pop())
def killed(self, args, state, control, **kwargs):
    if state.global_step == step:
        os.kill(os.getpid(), signal.SIGKILL)
StepCallback.on_step_begin = killed
sys.exit(main(sys.argv[1:]))
"""
KILLED_AT = 10  # a step between checkpoints, in the middle of an epoch


def assert_resumes_bit_for_bit(configuration, train, folder):
    """Kill and resume training of 12 steps with checkpoints after 4 and 8; compare it with uninterrupted training."""
    killed_dir = folder / "killed"
    configuration.with_values({"run_dir": str(killed_dir)}).save(folder / "killed.toml")
    words = [sys.executable, "-c", SCRIPT, "train", str(folder / "killed.toml"), "--quiet", str(KILLED_AT)]
    killed = subprocess.run(words, check=False, stderr=subprocess.PIPE)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    run = tl.Run(killed_dir)
    assert run.metrics["step"].tolist() == [4, 8]
    updates = run.history.steps
    assert main(["train", "--resume", str(run.path), "--quiet"]) == 0
    whole = train(configuration.with_values({"run_dir": str(folder / "whole")}), quiet=True)
    assert_same(tl.Run(killed_dir), whole)
    history, expected = tl.Run(killed_dir).history, whole.history
    assert history.steps == expected.steps
    assert updates == [step for step in expected.steps if step <= KILLED_AT]  # the checkpoint is older, for most
    assert all(history.at(step) == expected.at(step) for step in expected.steps)
