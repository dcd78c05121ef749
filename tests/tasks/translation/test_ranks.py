"""Two processes train a translator like one process that takes their batches one after the other."""

import os
import socket
import warnings

import pytest
import torch
from safetensors.torch import load_file

import topolearn as tl
from tests.processes import NEED_GLOO, run_ranks
from tests.tasks.translation.small import config, corpus
from topolearn.distributed import joined
from topolearn.tasks.translation import train

pytest.importorskip("transformers")
pytestmark = NEED_GLOO
OPTIONS = {"dropout": 0.0, "backend": "masked"}


def rank(index, folder, port):
    """Train as one of two processes started by torchrun."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    os.environ.update(place, RANK=str(index), LOCAL_RANK=str(index))
    torch.set_num_threads(1)
    with joined(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(config(folder / "two", "rigl", **OPTIONS), corpus=corpus(), quiet=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")
def test_two_processes_train_as_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    run_ranks(2, rank, tmp_path, port)
    one = train(config(tmp_path / "one", "rigl", accumulation=2, **OPTIONS), corpus=corpus(), quiet=True)
    two = tl.Run(tmp_path / "two")
    assert two.is_complete
    assert two.environment["processes"] == "2"
    assert two.history.steps == one.history.steps == [0, 3, 6]
    for name, graph in one.history.at(6).items():
        assert two.history.at(6)[name] == graph
    ours, theirs = (load_file(run.path / "checkpoints" / "checkpoint-12" / "model.safetensors") for run in (two, one))
    for name, weight in theirs.items():
        torch.testing.assert_close(ours[name], weight, atol=1e-4, rtol=1e-3)
    assert two.metrics["val_loss"].tolist() == pytest.approx(one.metrics["val_loss"].tolist(), rel=1e-3)
    assert two.metrics["train_loss"].tolist() == pytest.approx(one.metrics["train_loss"].tolist(), rel=1e-3)
