"""The configuration: types, ranges, names, files, and that a run records everything it used."""

import tomllib
from dataclasses import fields

import pytest
import torch

import topolearn as tl
from topolearn.errors import (
    InvalidValueError,
)
from topolearn.evolution import Method
from topolearn.training import TrainConfig, load_dataset
from topolearn.training.build import settle

EXPERIMENT = """
method = "set"
density = 0.2
hidden = [40, 30]
lr = 1            # an integer for a number

[overrides]
zeta = 0.1
generator = "bsw"
generator_params = {beta = 0.5}
"""


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(EXPERIMENT)
    return path


def test_a_file_and_overrides_on_top(experiment):
    config = TrainConfig.load(experiment)
    assert (config.method, config.density, config.hidden, config.lr) == ("set", 0.2, (40, 30), 1.0)
    assert isinstance(config.lr, float)
    assert config.epochs == TrainConfig().epochs
    changed = config.with_values({"density": 0.3, "overrides": {"zeta": 0.2}})
    assert (changed.density, changed.hidden) == (0.3, (40, 30))
    method = changed.build_method()
    assert (method.name, method.density, method.zeta) == ("set", 0.3, 0.2)
    assert (method.generator, method.generator_params) == ("bsw", {"beta": 0.5})
    assert config == TrainConfig.load(experiment)
    experiment.write_text(experiment.read_text(encoding="utf-8"), encoding="utf-8-sig")  # as Notepad writes it
    assert config == TrainConfig.load(experiment)


COMBINATION = """
method = "mest"
density = 0.1
hidden = [24, 20]
epochs = 2
update_interval = 10

[overrides]
generator = "bsf+ep"
distribution = "erk"
density_schedule = "sigmoid"
start_density = 0.4
match_flops = true
pruning = "mest"
removal = "importance-soft"
score_params = {alpha = 0.3, gradient_weight = 0.1}
softness_schedule = "delta"
regrowth = "gradient-soft"
zeta = 0.2
zeta_schedule = "cosine"
percolation = true
allow_return = false
skip_gradient_step = true
"""


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_parts_of_many_methods_combine_in_a_file(tmp_path, backend):
    path = tmp_path / "combination.toml"
    path.write_text(COMBINATION)
    config = TrainConfig.load(path).with_values({"run_dir": str(tmp_path / "run"), "backend": backend})
    parts = tomllib.loads(COMBINATION)["overrides"]
    assert {name: getattr(config.build_method(), name) for name in parts} == parts
    run = tl.train(config, quiet=True)
    assert run.config.build_method() == config.build_method()
    totals = run.history.updates[["decayed", "removed", "percolated", "regrown"]].sum()
    assert (totals[["decayed", "removed", "regrown"]] > 0).all()
    assert not run.history.updates["overlap"].any()  # as no link may return at once
    assert run.metrics["density"].iloc[-1] == pytest.approx(0.1, abs=0.001)


def test_another_generator_on_top_drops_the_parameters_of_the_former(experiment):
    config = TrainConfig.load(experiment)
    assert config.with_values({"overrides": {"generator": "er"}}).build_method().generator_params == {}
    assert config.with_values({"overrides": {"generator": "bsw"}}).build_method().generator_params == {"beta": 0.5}


def test_another_method_on_top_of_overrides_is_rejected(experiment):
    config = TrainConfig.load(experiment)
    with pytest.raises(
        InvalidValueError, match=r"method='chts'.*there are overrides of 'set': remove them first .*zeta, generator"
    ):
        config.with_values({"method": "chts"})
    assert config.with_values({"method": "set"}) == config
    assert TrainConfig().with_values({"method": "set", "overrides": {"zeta": 0.1}}).build_method().zeta == 0.1


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"method": "dense"},
        {"method": "static"},
        {"method": "chts", "overrides": {"generator_params": {"beta": 0.5}, "softness": [0, 0.5]}},
        {"method": "chts", "overrides": {"removal": None, "regrowth": None, "percolation": False}},
        {"method": "set", "overrides": {"generator": "bsw"}, "seed": 2**63 - 1, "precision": "bf16"},
        {"hidden": [8], "lr": 1, "lr_end": 0, "run_dir": 'a "quoted" näme', "data_dir": "x"},
    ],
)
def test_settled_values_are_written_and_read_back(values, tmp_path):
    settled = settle(TrainConfig(**values), load_dataset("digits"))
    path = tmp_path / "config.toml"
    settled.save(path)
    assert TrainConfig.load(path) == settled
    assert TrainConfig.load(path).build_method() == TrainConfig(**values).build_method()
    assert settle(settled, load_dataset("digits")) == settled
    written = tomllib.loads(path.read_text(encoding="utf-8"))
    assert {f.name for f in fields(TrainConfig)} - written.keys() <= {"data_dir"}
    parts = {f.name for f in fields(Method)} - {"name", "title", "paper", "density"}
    assert written["overrides"].keys() == parts
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_a_run_keeps_its_configuration(chts, small):
    given = small(chts.path)
    assert chts.config == settle(given, load_dataset("digits"))
    assert TrainConfig.load(chts.path / "config.toml") == chts.config
    assert (chts.config.hidden, chts.config.density, chts.config.update_interval) == ((32, 32), 0.08, 10)
    assert chts.config.device in ("cpu", "cuda")


def test_values_left_open_are_settled_by_the_data():
    config = settle(TrainConfig(seed=3), load_dataset("digits"))
    assert config.hidden == (128, 128, 128)
    assert config.update_interval == 45  # batches of 32 in 1,437 examples
    assert config.measure_every == 1
    assert config.density == tl.method("chts").density
    assert config.run_dir == "runs/digits-chts-0.05-s3"
    assert config.threads == 1


@pytest.mark.parametrize(
    ("dataset", "word"),
    [("digits+validation", "digits+validation"), ("a/mine.npz", "mine"), ("a/mine.npz+validation", "mine+validation")],
)
def test_runs_with_held_out_examples_have_their_own_folders(dataset, word):
    config = settle(TrainConfig(dataset=dataset), load_dataset("digits"))
    assert config.run_dir == f"runs/{word}-chts-0.05-s0"


@pytest.mark.parametrize(
    ("values", "interval", "every"),
    [
        ({"method": "deepr"}, 1, 45),
        ({"method": "deepr", "overrides": {"interval": 10}}, 10, 4),
        ({"method": "deepr", "overrides": {"interval": 10}, "update_interval": 10}, 10, 4),
        ({"method": "set", "overrides": {"interval": 100}}, 100, 1),
        ({"method": "set", "update_interval": 5}, 5, 9),
        ({"method": "set", "update_interval": 5, "measure_every": 2}, 5, 2),
    ],
)
def test_updates_follow_the_method_and_are_measured_once_per_epoch(values, interval, every, tmp_path):
    config = settle(TrainConfig(**values), load_dataset("digits"))
    assert (config.update_interval, config.measure_every) == (interval, every)
    config.save(tmp_path / "config.toml")
    assert TrainConfig.load(tmp_path / "config.toml") == config


@pytest.mark.parametrize(
    ("values", "several"),
    [
        ({"backend": "csr", "batch_size": 32}, True),
        ({"backend": "csr", "batch_size": 16}, False),
        ({"backend": "masked", "batch_size": 16}, True),
        ({"backend": "masked", "hidden": (128,)}, False),
    ],
)
def test_short_steps_have_one_thread(values, several):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        config = settle(TrainConfig(**{"density": 0.01, "hidden": (2000, 2000), **values}), load_dataset("digits"))
    finally:
        torch.set_num_threads(before)
    assert config.threads == (3 if several else 1)
