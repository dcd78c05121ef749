"""The examples of other people's trainers run, each where its package is installed."""

import pytest

import topolearn as tl


def test_hugging_face(command, tmp_path, capsys):
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from analysis.examples.huggingface_llama import main

    command(main, "--steps", 20, "--width", 16, "--out", tmp_path / "out")
    said = capsys.readouterr().out
    assert "density           20.0%" in said
    assert float(said.split("differs by ")[1].split()[0]) < 1e-5
    assert tl.Run(tmp_path / "out" / "topology").history.steps == list(range(20))
