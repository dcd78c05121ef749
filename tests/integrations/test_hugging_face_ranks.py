"""A Hugging Face trainer in two processes: the same model in both, one folder, and the same errors."""

import subprocess
import sys
from pathlib import Path

import pytest

import topolearn as tl

pytestmark = pytest.mark.slow
pytest.importorskip("accelerate")
pytest.importorskip("transformers")
SCRIPT = Path(__file__).with_name("ddp_trainer.py")
ROOT = str(SCRIPT.parents[2])


def run(method, backend, folder):
    """Start two processes in the root of the repository, where the tests are importable."""
    start = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m")
    command = [*start, "tests.integrations.ddp_trainer", method, backend, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, cwd=ROOT)


@pytest.mark.parametrize(("method", "backend"), [("rigl", "masked"), ("chts", "csr"), ("topkast", "masked")])
def test_ranks_have_one_model_and_resume_bit_for_bit(method, backend, tmp_path):
    done = run(method, backend, tmp_path)
    said = [line.split() for line in done.stdout.splitlines() if line.startswith("rank")]
    assert len(said) == 2, done.stderr
    assert said[0][1:3] == ["2", str(len(tl.Run(tmp_path / "run").history.updates["index"].unique()))]
    assert len({digest for line in said for digest in line[3:]}) == 1


def test_a_parameter_that_shrinks_is_rejected_on_every_rank(tmp_path):
    done = run("chtss", "csr", tmp_path)
    assert done.returncode
    assert done.stderr.count("InvalidValueError: layer 'model.layers.0.self_attn.q_proj' uses the csr backend") == 2
