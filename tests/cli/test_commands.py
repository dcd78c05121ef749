"""The command line: options that arrive, output, and one line with exit status 2 for every error."""

import gzip
import hashlib
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import topolearn as tl
from topolearn import training
from topolearn.cli import main

SMALL = ["--hidden", "16", "16", "--epochs", "1", "--density", "0.2", "--threads", "1", "--quiet"]


def tree(path):
    """Everything below a directory, with a hash of each file."""
    return {
        each.relative_to(path).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else None
        for each in sorted(path.rglob("*"))
    }


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Two complete runs: CHTs, and dense with its report."""
    folder = tmp_path_factory.mktemp("cli")
    assert main(["train", *SMALL, "--update-interval", "15", "--epochs", "2", "--run-dir", str(folder / "chts")]) == 0
    dense = ["--method", "dense", "--density", "1", "--report", "--run-dir", str(folder / "dense")]
    assert main(["train", *SMALL, *dense]) == 0
    return folder


@pytest.fixture
def folder(shared, tmp_path, monkeypatch):
    """A working directory with the files that the commands below name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shared / "chts", "complete")
    for name, old, new in (("unfinished", "", ""), ("edited", "    16,\n    16,\n", "    16,\n    12,\n")):
        run = Path(shutil.copytree("complete", name))
        summary = (run / "summary.json").read_text().replace('"complete": true', '"complete": false')
        (run / "summary.json").write_text(summary)
        (run / "config.toml").write_text((run / "config.toml").read_text().replace(old, new))
    x, y = np.arange(60.0).reshape(20, 3), np.arange(20) % 2
    for name, train_x in (("good", x), ("nan", np.where(x == 7, np.nan, x))):
        np.savez(f"{name}.npz", train_x=train_x, train_y=y, test_x=x, test_y=y)
    Path("cut.npz").write_bytes(Path("good.npz").read_bytes()[:-100])
    Path("mnist").mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        content = bytes([0, 0, 8, 1]) + struct.pack(">i", 100) + bytes(70)
        Path("mnist", f"{name}-ubyte.gz").write_bytes(gzip.compress(content))
    Path("file").write_text("a file")
    Path("broken.toml").write_text("epochs = [1,\n")
    Path("typo.toml").write_text("epoch = 1\n")
    Path("parts.toml").write_text('method = "set"\n[overrides]\nzeta = 0.1\n')
    Path("bare").mkdir()
    Path("bare", "config.toml").write_text("epochs = 1\n")
    return tmp_path


# --- mistakes --------------------------------------------------------------------------------------------------------

NEW = ["train", *SMALL, "--run-dir", "new"]
LONG = "a" * 300
MISTAKES = [
    # data
    ([*NEW, "--dataset", "nan.npz"], "NaN or infinite features in 1 of 20 examples"),
    ([*NEW, "--dataset", "cut.npz"], "cut.npz is not a readable .npz file"),
    ([*NEW, "--dataset", "nothing.npz"], "no data file nothing.npz"),
    ([*NEW, "--dataset", "digit"], "unknown data set 'digit': did you mean 'digits'?"),
    ([*NEW, "--dataset", ""], "unknown data set ''"),
    ([*NEW, "--dataset", "mnist"], "train-images-idx3-ubyte.gz"),
    ([*NEW, "--dataset", "mnist", "--data-dir", "mnist"], "is cut off: it should hold 100 bytes"),
    ([*NEW, "--dataset", "mnist", "--data-dir", "file"], "in file: put the files there"),
    ([*NEW, "--dataset", "fashion_mnist", "--data-dir", "mnist"], "is cut off: it should hold 100 bytes"),
    ([*NEW, "--dataset", "emnist_balanced"], "emnist-balanced-test-labels-idx1-ubyte.gz"),
    ([*NEW, "--dataset", "mnist+validation", "--data-dir", "."], "is cut off: it should hold 100 bytes"),
    ([*NEW, "--dataset", "good.npz+validation"], "would hold out 20 of 20 training examples"),
    ([*NEW, "--dataset", "digits+test"], "unknown ending '+test' of data set 'digits+test'"),
    # values
    ([*NEW, "--density", "0"], "density=0 leaves no link"),
    ([*NEW, "--density", "1e-5"], "density=1e-05 leaves no link in a layer of 64 x 16 neurons: use at least"),
    ([*NEW, "--density", "1.5"], "density=1.5 must lie in [0, 1]"),
    ([*NEW, "--density", "nan"], "density=nan must lie in [0, 1]"),
    ([*NEW, "--method", "dense"], "its density must be 1 (not 0.2)"),
    ([*NEW, "--method", "chtz"], "unknown method 'chtz': did you mean 'cht'?"),
    ([*NEW, "--lr", "1e6"], "the loss is not finite in epoch 1, at step "),
    ([*NEW, "--lr", "-1"], "lr=-1.0 must be a positive number"),
    ([*NEW, "--epochs", "0"], "epochs=0 must be at least 1"),
    ([*NEW, "--epochs", "9" * 30], "must be at most"),
    ([*NEW, "--batch-size", "9" * 30], "must be at most"),
    ([*NEW, "--hidden", "9" * 30], "must be one or more positive widths below"),
    ([*NEW, "--hidden", "0"], "hidden=[0] must be"),
    ([*NEW, "--seed", "-1"], "seed=-1 must be at least 0"),
    ([*NEW, "--seed", "9" * 30], "must be at least 0 and below"),
    ([*NEW, "--threads", "99999999"], "threads=99999999 must be at most 1024"),
    ([*NEW, "--device", "gpu"], "device='gpu' is unknown: did you mean 'cpu'?"),
    ([*NEW, "--precision", "fp16"], "precision='fp16' is unknown"),
    # parts of the method
    ([*NEW, "--set", "generator=bws"], "unknown generator 'bws': did you mean 'bsw'?"),
    ([*NEW, "--set", "generator=5"], "generator=5 must be of type str"),
    ([*NEW, "--set", "zeat=0.1"], "no field 'zeat': did you mean 'zeta'?"),
    ([*NEW, "--set", "zeta"], "--set 'zeta' must be PART=VALUE"),
    ([*NEW, "--set", "=1"], "no field ''"),
    ([*NEW, "--set", "zeta=abc"], "zeta='abc' must be of type float"),
    ([*NEW, "--set", "zeta="], "zeta='' must be of type float"),
    ([*NEW, "--set", "zeta=true"], "zeta=True must be of type float"),
    ([*NEW, "--set", "zeta=0.1,0.2"], "zeta=[0.1, 0.2] must be of type float"),
    ([*NEW, "--set", "zeta=2"], "zeta=2.0 must lie strictly between 0 and 1"),
    ([*NEW, "--set", "percolation=yes"], "percolation='yes' must be of type bool"),
    ([*NEW, "--set", "percolation=1"], "percolation=1 must be of type bool"),
    ([*NEW, "--set", "softness=0.5"], "softness=0.5 must be of type tuple"),
    ([*NEW, "--set", "softness=0.5,1"], "softness=(0.5, 1.0) must be two deltas"),
    ([*NEW, "--set", "softness=0.5,0.6,0.7"], "must be two deltas"),
    ([*NEW, "--set", "removal=5"], "removal=5 must be of type str"),
    ([*NEW, "--set", "removal=none"], "must be given together, or both be None"),
    ([*NEW, "--set", "regrowth=ch2l3n"], "unknown regrowth score 'ch2l3n': did you mean 'ch2_l3n'?"),
    ([*NEW, "--set", "density=0.1"], "--density"),
    ([*NEW, "--set", "generator_params=5"], "generator_params=5 must be of type dict"),
    ([*NEW, "--set", "generator_params=a", "--set", "generator_params.beta=1"], "must be generator_params.NAME=VALUE"),
    ([*NEW, "--set", "zeta.x=5"], "must be of type float"),
    ([*NEW, "--set", "score_params.alpha=0.5"], "scores of this method have no parameter 'alpha'"),
    ([*NEW, "--set", "start_density=0.5"], "start_density=0.5 needs a density that falls"),
    ([*NEW, "--method", "granet", "--density", "0.6"], "falls from start_density=0.5 to density=0.6"),
    ([*NEW, "--method", "gmp", "--backend", "csr"], "use backend='masked'"),
    ([*NEW, "--set", "generator_params.betta=1"], "no parameter 'betta': did you mean 'beta'?"),
    ([*NEW, "--set", "generator_params.beta=2"], "beta=2 must lie in [0, 1]"),
    ([*NEW, "--set", "generator_params.beta=abc"], "beta='abc' must be a number"),
    # files and directories
    ([*NEW, "nothing.toml"], "there is no configuration file nothing.toml"),
    ([*NEW, "bare"], "there is no configuration file bare"),
    ([*NEW, "broken.toml"], "broken.toml is not TOML"),
    ([*NEW, "typo.toml"], "no option 'epoch': did you mean 'epochs'?"),
    ([*NEW, "parts.toml", "--method", "chts"], "remove them first (zeta)"),
    ([*NEW, "good.npz"], "good.npz is not TOML"),
    (
        ["train", *SMALL, "--run-dir", "complete"],
        "complete already exists: continue it with topolearn train --resume complete, replace it",
    ),
    (["train", *SMALL, "--run-dir", "file"], "file already exists"),
    (["train", *SMALL, "--run-dir", "file/new"], "file/new cannot be created (Not a directory)"),
    (["train", *SMALL, "--run-dir", LONG], "File name too long"),
    (["train", "complete/config.toml"], "exists: continue it with topolearn train --resume"),
    (["train", "--resume", "nothing"], "no run in nothing"),
    (["train", "--resume", "file"], "no run in file"),
    (["train", "--resume", "bare"], "bare/config.toml leaves values open"),
    (["train", "--resume", "complete"], "run complete is complete"),
    (["train", "--resume", "unfinished", "--epochs", "3"], "--resume takes no other options"),
    (["train", "--resume", "edited"], "config.toml has changed since it was written"),
    (["report", "nothing"], "no run in nothing"),
    (["report", "file"], "no run in file"),
    (["report", "complete", "--compare", "nothing"], "no run in nothing"),
    (["report", "bare"], "no finished epoch"),
    (["download", "digits"], "'digits' is bundled: there is nothing to download"),
    (["download", "good.npz"], "good.npz is your own file"),
    (["download", "mnits"], "unknown data set 'mnits': did you mean 'mnist'?"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(w)[:60] for w, _ in MISTAKES])
def test_a_mistake_is_one_line_and_changes_nothing(words, said, folder, capsys):
    before = tree(folder)
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("topolearn: error: ")
    assert said in line
    if "--lr" in words and "1e6" in words:  # only detected during training
        shutil.rmtree("new")
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no command given (see 'topolearn --help')"),
        (["trian"], "unknown command 'trian': did you mean 'train'?"),
        (["--verison"], "unknown argument '--verison': did you mean --version?"),
        (["completion", "bsh"], "invalid choice 'bsh': did you mean 'bash'?"),
        ([*NEW, "--densty", "0.1"], "unknown argument '--densty': did you mean --density? (see 'topolearn train -"),
        ([*NEW, "--hidden", "64,64"], "argument --hidden: invalid int value: '64,64'"),
        ([*NEW, "--epochs", "1.5"], "argument --epochs: invalid int value: '1.5'"),
        ([*NEW, "--lr", "fast"], "argument --lr: invalid float value: 'fast'"),
        ([*NEW, "--zeta", "0.1"], "unknown argument '--zeta'"),
        (["report"], "the following arguments are required: RUN"),
        (["generate", "bsw"], "the following arguments are required: --n-in, --n-out, --density, -o"),
    ],
)
def test_words_that_cannot_be_read(words, said, folder, capsys):
    before = tree(folder)
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("topolearn: error: ")
    assert error.count("\n") == 1
    assert said in error
    assert "--help')" in error
    assert tree(folder) == before


def test_system_errors_are_one_line(folder, monkeypatch, capsys):
    def denied(*_):
        raise PermissionError(13, "Permission denied", "mnist")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert main([*NEW, "--dataset", "mnist", "--data-dir", "mnist"]) == 2
    assert capsys.readouterr().err == "topolearn: error: [Errno 13] Permission denied: 'mnist'\n"


def test_an_interrupted_training_says_how_to_continue(folder, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    assert main(NEW) == 130
    assert "topolearn train --resume RUN" in capsys.readouterr().err


def test_internal_errors_are_not_hidden(folder, monkeypatch):
    def wrong(*_, **__):
        raise AssertionError("a mistake")

    monkeypatch.setattr(training, "train", wrong)
    with pytest.raises(AssertionError, match="a mistake"):
        main(NEW)


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
    assert " on digits+validation; " in page
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
        (["train"], ["CONFIG.toml", "--resume RUN", "--set PART=VALUE", "--update-interval", "[0.025]", "--quiet"]),
        (["report"], ["RUN", "--compare RUN", "-o FILE"]),
        (["generate"], ["GENERATOR", "bsf", "+ep", "--n-in", "--beta", "parameter of bsw", "--plot", ".graphml"]),
        (["download"], ["NAME", "fashion_mnist", "emnist_balanced", "--data-dir DIR", "topolearn[download]"]),
        (["methods"], ["methods and their parts"]),
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
    assert done.stderr == "topolearn: error: density=0 leaves no links: use a density in (0, 1]\n"
    assert list(tmp_path.iterdir()) == []
