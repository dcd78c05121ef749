"""The examples of Lightning and accelerate run, and end alike whether they were stopped in between or not."""

import importlib
import sys

import pytest
import torch


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs an example, and returns the line that it prints."""

    def of(name, folder, *words):
        monkeypatch.setattr(sys, "argv", [name, "--folder", str(folder), "--epochs", "4", *words])
        with torch.random.fork_rng(devices=[]):
            importlib.import_module(f"analysis.examples.{name}").main()
        return capsys.readouterr().out.splitlines()[-1].partition(";")[0]

    return of


def test_the_example_of_accelerate(run, tmp_path):
    pytest.importorskip("accelerate")
    whole = run("accelerate_digits", tmp_path / "whole")
    assert "2457 links, 9 updates" in whole
    run("accelerate_digits", tmp_path / "stopped", "--stop", "2")
    assert run("accelerate_digits", tmp_path / "stopped", "--resume") == whole


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_the_example_of_lightning(run, tmp_path):
    pytest.importorskip("lightning")
    assert "2457 links, 8 updates" in run("lightning_digits", tmp_path)
    assert (tmp_path / "last.ckpt").is_file()
    assert (tmp_path / "run" / "summary.json").is_file()
