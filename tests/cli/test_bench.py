"""`topolearn bench train`: the table of training times on this machine."""

import math

import pandas as pd
import pytest
import torch

import topolearn as tl
from topolearn.benchmarks import VARIANTS, crossover, measure_training
from topolearn.benchmarks.training import _Run
from topolearn.cli import main
from topolearn.errors import InvalidValueError

SIZES = (20, 30, 30, 4)
SMALL = ["bench", "train", "--sizes", "20", "30", "30", "4", "--density", "0.1", "--batch", "8", "--seconds", "0.01"]


def test_the_table_compares_every_variant_with_the_dense_network():
    table = measure_training([0.05, 0.4], [8], sizes=SIZES, seconds=0.01)
    assert table[["density", "batch"]].to_numpy().tolist() == [[0.05, 8], [0.4, 8]]
    for name in VARIANTS:
        assert (table[f"{name} ms"] > 0).all()
        ratio = table["dense ms"] / table[f"{name} ms"]
        assert table[f"{name} speed-up"].to_numpy() == pytest.approx(ratio, rel=0.05, abs=0.01)  # all are rounded
    assert (table["dense speed-up"] == 1).all()
    assert table["auto"].tolist() == ["masked", "masked"]  # so small are the layers
    assert table["csr MiB"].is_monotonic_increasing
    assert (table["csr MiB"] >= table["csr chain MiB"]).all()
    assert (table["weight * mask MiB"] > table["dense MiB"]).all()


def test_all_variants_train_the_same_network():
    losses = {}
    for name, make in VARIANTS.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            run = _Run(make(SIZES, 0.3), SIZES, 16)
        losses[name] = torch.nn.functional.cross_entropy(run.model(run.x[0]), run.y[0]).item()
    dense = losses.pop("dense")
    assert dense != losses["masked"]
    assert list(losses.values()) == pytest.approx([losses["masked"]] * len(losses), rel=1e-5)


def test_bytes_are_those_of_weights_gradients_momentum_and_indices():
    with torch.random.fork_rng():
        runs = {name: _Run(make((200, 300, 300, 10), 0.01), (200, 300, 300, 10), 16) for name, make in VARIANTS.items()}
    weights, links, biases, head = 300 * 500, 1500, 600, 3010
    assert runs["dense"].n_bytes == 12 * (weights + biases + head)
    pointers, marks = 8 * (301 + 201 + 301 + 301), 4 * 2  # which say to which links the momentum belongs
    assert runs["csr"].n_bytes == 12 * (links + biases + head) + 12 * links + pointers + marks
    head = 4 * 2 * 3000 + 4 * 3000 + 8 * (11 + 301)  # the links of the last layer, in both directions
    assert runs["csr chain"].n_bytes == runs["csr"].n_bytes + head


def test_bytes_of_activations_are_counted_once():
    sizes, batch = (200, 300, 300, 10), 16
    with torch.random.fork_rng():
        saved = {name: _Run(make(sizes, 0.01), sizes, batch).saved_bytes() for name, make in VARIANTS.items()}
    activations, loss = 4 * batch * (200 + 300 + 300), 4 * batch * 10 + 8 * batch + 4  # log-softmax, labels, weight
    assert saved["dense"] == saved["masked"] == activations + loss
    assert saved["weight * mask"] == activations + loss + 4 * 300 * 300  # the product of the second layer
    assert saved["csr chain"] == activations + loss


def test_the_crossover_lies_between_the_densities_around_it():
    table = pd.DataFrame({"density": [0.1, 0.2, 0.4], "batch": 8, "csr chain ms": [1, 2, 4], "dense ms": [3, 3, 3]})
    assert 0.2 < crossover(table, 8) < 0.4
    assert math.isnan(crossover(table[:2], 8))


def test_an_unknown_variant_is_rejected():
    with pytest.raises(InvalidValueError, match="unknown variant 'gpu': use some of dense"):
        measure_training([0.1], [8], sizes=SIZES, variants=["gpu"])


def test_the_command_prints_and_writes_the_table_and_a_picture(tmp_path, capsys):
    files = [str(tmp_path / "b.csv"), str(tmp_path / "b.png")]
    threads = torch.get_num_threads()
    assert main([*SMALL, "--threads", "1", "-o", files[0], "--plot", files[1]]) == 0
    printed = capsys.readouterr().out
    assert "csr chain speed-up" in printed
    assert 'backend="auto" takes at most 1.' in printed
    assert pd.read_csv(files[0])["threads"].tolist() == [1]
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--density", "0"], "--density 0.0: give positive numbers"),
        (["--density", "1.5"], "densities at most 1"),
        (["--batch", "-1"], "--batch -1"),
        (["--sizes", "4", "4"], "give features, hidden widths and classes"),
        (["--threads", "0"], "--threads 0"),
        (["--seconds", "0"], "--seconds 0.0: give a positive number"),
        (["-o", "nowhere/b.csv"], "there is no directory 'nowhere'"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys):
    assert main([*SMALL, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_picture_has_a_line_for_each_variant_and_batch():
    table = measure_training([0.05, 0.4], [4, 8], sizes=SIZES, seconds=0.01)
    ax = tl.plotting.training_speed(table)
    assert [line.get_label() for line in ax.lines] == [f"{name}, batch {b}" for b in (4, 8) for name in VARIANTS]


def test_options_of_train_are_not_ignored_by_calibration(capsys):
    assert main(["bench", "--calibrate", "--batch", "8"]) == 2
    assert "--batch is an option of 'topolearn bench train'" in capsys.readouterr().err
