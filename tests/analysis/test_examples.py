"""The examples of other people's trainers run, and end alike whether they were stopped in between or not."""

import importlib
import sys

import pytest
import torch

import topolearn as tl


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs an example with words of its command line, and returns what it prints."""

    def of(name, *words):
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        with torch.random.fork_rng(devices=[]):
            importlib.import_module(f"analysis.examples.{name}").main()
        return capsys.readouterr().out

    return of


def test_hugging_face(run, tmp_path):
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    said = run("huggingface_llama", "--steps", 20, "--width", 16, "--out", tmp_path / "out")
    assert "density           20.0%" in said
    assert float(said.split("differs by ")[1].split()[0]) < 1e-5
    assert tl.Run(tmp_path / "out" / "topology").history.steps == list(range(20))


def test_accelerate(run, tmp_path):
    pytest.importorskip("accelerate")

    def end(folder, *words):
        said = run("accelerate_digits", "--epochs", 4, "--folder", tmp_path / folder, *words)
        return said.splitlines()[-1].partition(";")[0]

    whole = end("whole")
    assert "2457 links, 9 updates" in whole
    end("stopped", "--stop", 2)
    assert end("stopped", "--resume") == whole


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_lightning(run, tmp_path):
    pytest.importorskip("lightning")
    assert "2457 links, 8 updates" in run("lightning_digits", "--epochs", 4, "--folder", tmp_path)
    assert (tmp_path / "last.ckpt").is_file()
    assert (tmp_path / "run" / "summary.json").is_file()
