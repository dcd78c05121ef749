"""The examples of other people's trainers run, and end alike whether they were stopped in between or not."""

import contextlib
import importlib
import os
import socket
import sys

import pytest
import torch
from safetensors.torch import load_file

import topolearn as tl
from tests.processes import NEED_GLOO, run_ranks
from topolearn.integrations.checkpoints.topology_file import read_topology
from topolearn.training import mlp


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs an example with words of its command line, and returns what it prints."""

    def of(name, *words):
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        with torch.random.fork_rng(devices=[]):
            importlib.import_module(f"analysis.examples.{name}").main()
        return capsys.readouterr().out

    return of


@pytest.mark.slow
def test_hugging_face(run, tmp_path):
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    said = run("huggingface_llama", "--steps", 20, "--width", 16, "--out", tmp_path / "out")
    assert "density           20.0%" in said
    assert float(said.split("differs by ")[1].split()[0]) < 1e-5
    assert tl.Run(tmp_path / "out" / "topology").history.steps == list(range(20))


@pytest.mark.slow
def test_accelerate(run, tmp_path):
    pytest.importorskip("accelerate")

    def end(folder, *words):
        said = run("accelerate_digits", "--epochs", 4, "--folder", tmp_path / folder, *words)
        return said.splitlines()[-1].partition(";")[0]

    whole = end("whole")
    assert "2457 links, 9 updates" in whole
    end("stopped", "--stop", 2)
    assert end("stopped", "--resume") == whole


def fsdp(rank, n_ranks, folder, words):
    """Run the example as one of several ranks, and leave what it says in a file."""
    port = (folder / "port").read_text()
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(n_ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    sys.argv = ["fsdp_digits", "--folder", str(folder), *words]
    torch.set_num_threads(1)
    with (folder / f"said-{rank}").open("w") as said, contextlib.redirect_stdout(said):
        importlib.import_module("analysis.examples.fsdp_digits").main()


@pytest.mark.slow
@NEED_GLOO
def test_fsdp(tmp_path):
    def said(n_ranks, *words):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            (tmp_path / "port").write_text(str(free.getsockname()[1]))
        run_ranks(n_ranks, fsdp, n_ranks, tmp_path, ("--epochs", "2", *words))
        assert [(tmp_path / f"said-{rank}").read_text() for rank in range(1, n_ranks)] == [""] * (n_ranks - 1)
        return (tmp_path / "said-0").read_text()

    said(2, "--stop", "1")
    assert "2457 links, 4 updates" in said(1, "--resume")
    plain = mlp(64, (128, 128), 10)
    plain.load_state_dict(load_file(tmp_path / "plain" / "model.safetensors"))
    links, _ = read_topology(tmp_path / "plain")
    for name, cells in links["links"].items():
        off = torch.ones(plain.get_submodule(name).weight.numel(), dtype=torch.bool).index_fill_(0, cells, False)
        assert not plain.get_submodule(name).weight.flatten()[off].any()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_lightning(run, tmp_path):
    pytest.importorskip("lightning")
    assert "2457 links, 8 updates" in run("lightning_digits", "--epochs", 4, "--folder", tmp_path)
    assert (tmp_path / "last.ckpt").is_file()
    assert (tmp_path / "run" / "summary.json").is_file()
