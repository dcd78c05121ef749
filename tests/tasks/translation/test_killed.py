"""A training that is killed in the middle of an epoch is resumed by the command, bit for bit."""

import signal
import subprocess
import sys

import pytest

import topolearn as tl
from tests.tasks.same_run import assert_same
from tests.tasks.translation.small import config, corpus
from topolearn.cli import main
from topolearn.tasks.translation import train

pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")]

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


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the made-up text as files."""
    made = corpus()
    for split in ("train", "val", "test"):
        text = getattr(made, split)
        for language, sentences in (("en", text.source), ("de", text.target)):
            (tmp_path / f"{split}.{language}").write_text("".join(f"{each}\n" for each in sentences))
    return tmp_path


@pytest.mark.parametrize("method", ["chts", "chtss", "rigl", "gmp"])
def test_a_killed_training_goes_on_bit_for_bit(method, folder):
    options = {"dataset": str(folder), "density": 0.3}
    config(folder / "killed", method, **options).save(folder / "killed.toml")
    words = [sys.executable, "-c", SCRIPT, "train", str(folder / "killed.toml"), "--quiet", str(KILLED_AT)]
    killed = subprocess.run(words, check=False, stderr=subprocess.PIPE)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    run = tl.Run(folder / "killed")
    assert run.metrics["step"].tolist() == [4, 8]
    updates = run.history.steps
    assert main(["train", "--resume", str(run.path), "--quiet"]) == 0
    whole = train(config(folder / "whole", method, **options), quiet=True)
    assert_same(tl.Run(run.path), whole)
    history, expected = tl.Run(run.path).history, whole.history
    assert history.steps == expected.steps
    assert updates == [step for step in expected.steps if step <= KILLED_AT]  # the checkpoint is older, for most
    assert all(history.at(step) == expected.at(step) for step in expected.steps)
