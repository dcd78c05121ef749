"""The command line: options that arrive, output, and one line with exit status 2 for every error."""

import subprocess
import sys
from pathlib import Path

import pytest

import topolearn as tl
from tests.cli.small import NEW, SMALL
from topolearn import training
from topolearn.cli import main

# --- what arrives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--set", "percolation=false"], {"percolation": False, "zeta": 0.3}),
        (["--set", "generator_params.beta=0.5"], {"generator_params": {"beta": 0.5}, "generator": "bsw"}),
        (["--set", "zeta=0.1", "--set", "zeta_schedule=cosine"], {"zeta": 0.1, "zeta_schedule": "cosine"}),
        (["--set", "softness=0,0.5"], {"softness": (0.0, 0.5)}),
        (["--set", "generator=er"], {"generator": "er", "generator_params": {}}),
        (["--set", "removal=None", "--set", "regrowth=none", "--set", "percolation=FALSE"], {"removal": None}),
        (["--method", "set", "--set", "regrowth=ch2_l3n"], {"regrowth": "ch2_l3n", "removal": "weight_magnitude"}),
        (
            ["--set", "removal=importance-soft", "--set", "score_params.alpha=0.2", "--set", "rewarmup_steps=3"],
            {"removal": "importance-soft", "score_params": {"alpha": 0.2}, "rewarmup_steps": 3},
        ),
        (["--set", "distribution.hidden1=0.3"], {"distribution": {"hidden1": 0.3}}),
        (
            ["--set", "density_schedule=cubic", "--set", "start_density=0.5", "--set", "distribution=erk+global"],
            {"density_schedule": "cubic", "start_density": 0.5, "distribution": "erk+global"},
        ),
    ],
    ids=str,
)
def test_parts_arrive_in_the_run(words, parts, folder):
    assert main([*NEW, "--update-interval", "20", *words]) == 0
    run = tl.Run("new")
    method = run.config.build_method()
    assert {name: getattr(method, name) for name in parts} == parts
    assert {name: run.config.overrides[name] for name in parts} == parts
    assert run.summary["n_updates"] == (2 if method.evolves else 0)


def test_options_arrive_in_the_run(folder, capsys):
    words = ["--batch-size", "100", "--lr", "1", "--lr-end", "0", "--momentum", "0.5", "--weight-decay", "0"]
    words += ["--seed", "7", "--precision", "bf16", "--lr-decay", "0.5", "--dataset", "good.npz", "--device", "cpu"]
    assert main([*NEW, *words]) == 0
    config = tl.Run("new").config
    assert (config.batch_size, config.lr, config.lr_end, config.momentum, config.weight_decay) == (100, 1, 0, 0.5, 0)
    assert (config.seed, config.precision, config.lr_decay, config.hidden) == (7, "bf16", 0.5, (16, 16))
    assert config.dataset == "good.npz"
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "best test accuracy" in shown.out
    assert shown.out.splitlines()[1] == "run     new"


def test_a_file_and_flags_on_top(folder):
    assert (
        main(["train", "parts.toml", *SMALL[:-1], "--run-dir", "new", "--density", "0.3", "--set", "generator=bsw"])
        == 0
    )
    config = tl.Run("new").config
    assert (config.method, config.density, config.epochs) == ("set", 0.3, 1)
    assert (config.overrides["zeta"], config.overrides["generator"]) == (0.1, "bsw")


def test_the_configuration_file_of_a_run_reproduces_it(folder):
    assert main(["train", "complete/config.toml", "--run-dir", "new", "--quiet"]) == 0
    runs = [tl.Run(name) for name in ("complete", "new")]
    first, again = (run.metrics.drop(columns="seconds") for run in runs)
    assert first.equals(again)
    assert main(["train", "complete/config.toml", "--run-dir", "er", "--quiet", "--set", "generator=er"]) == 0
    assert tl.Run("er").config.build_method().generator_params == {}


def test_numbers_of_the_summary_are_those_of_the_run(folder, capsys):
    assert main([*NEW, "--update-interval", "20"]) == 0
    run = tl.Run("new")
    said = capsys.readouterr().out.splitlines()[0]
    assert f"best test accuracy {run.metrics['test_accuracy'].max():.2%} (epoch 1)" in said
    assert f"{run.history.at(40)['hidden1'].n_links + run.history.at(40)['hidden2'].n_links} links" in said
    assert "2 topology updates" in said


# --- the other commands ----------------------------------------------------------------------------------------------


def test_report_compared_with_another_run(shared, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["report", str(shared / "chts"), "--compare", str(shared / "dense"), "-o", str(page)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    text = page.read_text(encoding="utf-8")
    for name in ("chts", "dense"):
        assert f"{100 * tl.Run(shared / name).summary['best_accuracy']:.2f} %" in text
    assert (shared / "chts" / "figures" / "evolution.png").is_file()
    assert not (shared / "chts" / "report.html").exists()


def test_training_writes_a_report_if_asked(shared):
    assert not (shared / "chts" / "report.html").exists()
    assert (shared / "dense" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert tl.Run(shared / "dense").is_complete


def test_training_on_held_out_examples(folder, capsys):
    assert main(["train", *SMALL, "--dataset", "digits+validation", "--report"]) == 0
    run = tl.Run("runs/digits+validation-chts-0.2-s0")
    assert run.config.dataset == "digits+validation"
    assert run.config.update_interval == 34  # batches of 32 of the 1,077 examples
    assert f"report  {run.path / 'report.html'}" in capsys.readouterr().out
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert " on digits+validation (" in page
    assert main(["report", str(run.path), "--compare", "complete"]) == 0


def test_methods_and_datasets(capsys):
    assert main(["methods"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 112
    for name, row in tl.methods().items():
        assert f"\n{name}  " in f"\n{shown}"
        assert f"{row.title}: {row.paper}" in shown
    for part in ("bsw(beta=0.25)", "weight_magnitude-soft", "ch2_l3n-soft", "density"):
        assert part in shown
    assert main(["datasets"]) == 0
    shown = capsys.readouterr().out
    for word in (*training.DATASETS, "bundled", ".npz", "train_x", "+validation"):
        assert word in shown


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["train", "report", "methods", "datasets", "download", "--resume"]),
        (
            ["train"],
            ["CONFIG.toml", "--resume RUN", "--set COMPONENT=VALUE", "--update-interval", "[0.025]"],
        ),
        (["report"], ["RUN", "--compare RUN", "-o FILE"]),
        (["generate"], ["GENERATOR", "bsf", "+ep", "--n-in", "--beta", "parameter of bsw", "--plot", ".graphml"]),
        (["download"], ["NAME", "fashion_mnist", "emnist_balanced", "--data-dir DIR", "topolearn[download]"]),
        (["methods"], ["methods and their components"]),
        (["datasets"], ["data sets"]),
    ],
)
def test_help(command, words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: {' '.join(['topolearn', *command])}" in shown
    assert [word for word in words if word not in shown] == []


def test_every_field_is_an_option_with_help(capsys):
    from dataclasses import fields

    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for each in fields(training.TrainConfig):
        if each.name != "overrides":
            assert f"--{each.name.replace('_', '-')}" in shown
            assert " ".join(each.metadata["help"].split()[:2]) in shown


def test_the_installed_command(tmp_path):
    program = Path(sys.executable).with_name("topolearn")
    done = subprocess.run(
        [program, "train", "--density", "0", "--run-dir", "new"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "topolearn: error: --density 0 leaves no links: use a density in (0, 1]\n"
    assert list(tmp_path.iterdir()) == []
