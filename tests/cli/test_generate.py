"""``topolearn generate`` as it is typed."""

import pytest

import topolearn as tl
from topolearn.cli import main


@pytest.mark.parametrize("suffix", [".npz", ".graphml", ".csv", ".mtx"])
def test_generate_writes_a_graph_that_loads(tmp_path, capsys, suffix):
    file = tmp_path / f"layer{suffix}"
    words = ["generate", "bsw", "--n-in", "30", "--n-out", "40", "--density", "0.1", "--beta", "0.5", "--seed", "3"]
    assert main([*words, "-o", str(file)]) == 0
    expected = tl.generators.bipartite_small_world(30, 40, 0.1, beta=0.5, seed=3)
    assert tl.BipartiteGraph.load(file) == expected
    assert capsys.readouterr().out.splitlines() == [repr(expected), f"file    {file}"]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_generate_draws_next_to_the_file(tmp_path, capsys):
    words = ["generate", "bsf+ep", "--n-in", "30", "--n-out", "40", "--density", "0.1", "--plot"]
    assert main([*words, "-o", str(tmp_path / "layer.npz")]) == 0
    assert (tmp_path / "layer.png").read_bytes().startswith(b"\x89PNG")
    assert set(tl.BipartiteGraph.load(tmp_path / "layer.npz").fan_out) == {4}


def test_generate_starts_from_a_data_set(tmp_path):
    words = ["generate", "csti", "--n-in", "64", "--n-out", "64", "--density", "0.05", "--data", "digits"]
    assert main([*words, "-o", str(tmp_path / "layer.npz")]) == 0
    data = tl.training.load_dataset("digits").train_x
    assert tl.BipartiteGraph.load(tmp_path / "layer.npz") == tl.generators.correlated(64, 64, 0.05, data=data, seed=0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("bws", "unknown generator 'bws': did you mean 'bsw'"),
        ("bsw+eq", "unknown step 'eq' in 'bsw+eq': did you mean 'ep'"),
        ("bsw --beta 2", "--beta 2.0 must lie in [0, 1]"),
        ("er --beta 0.5", "generator 'er' has no parameter 'beta'"),
        ("brf --degree fixd", "did you mean 'fixed'"),
        ("er --density 0", "--density 0 leaves no link"),
        ("er --density 1e-9", "leaves no link in a layer of 30 x 40 neurons"),
        ("bsf --density 0.01", "the scale-free model needs at least 69"),
        ("er --seed -1", "--seed -1 must be at least 0"),
        ("er --n-in 0", "--n-in 0 must be at least 1"),
        ("csti", "generator 'csti' needs data"),
        ("er --data digits", "generator 'er' uses no data"),
        ("er -o layer.xyz", "unknown file suffix '.xyz'"),
        ("er -o nowhere/layer.npz", "there is no directory 'nowhere'"),
    ],
)
def test_generate_reports_errors_in_one_line_and_writes_nothing(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    given = ["generate", "--n-in", "30", "--n-out", "40", "--density", "0.1", "-o", "layer.npz", *words.split()]
    assert main(given) == 2
    error = capsys.readouterr().err
    assert error.startswith("topolearn: error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not list(tmp_path.iterdir())


def test_nothing_is_generated_if_its_picture_cannot_be_written(tmp_path, capsys):
    (tmp_path / "layer.png").mkdir()
    words = ["er", "--n-in", "30", "--n-out", "40", "--density", "0.1", "-o", str(tmp_path / "layer.npz"), "--plot"]
    assert main(["generate", *words]) == 2
    assert "layer.png' is a directory: name a file" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["layer.png"]
