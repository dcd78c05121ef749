"""Mistakes on the command line: one line that says what to do, and nothing has changed."""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.cli.small import NEW, SMALL
from topolearn import training
from topolearn.cli import main
from topolearn.training import entry_points, trainer


def tree(path):
    """Everything below a directory, with a hash of each file."""
    return {
        each.relative_to(path).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else None
        for each in sorted(path.rglob("*"))
    }


LONG = "a" * 300
NUL = ("run_dir", "data_dir", "dataset")
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
    ([*NEW, "--dataset", "cifar10"], "CIFAR-10 needs cifar-10-python.tar.gz in data/cifar10"),
    ([*NEW, "--dataset", "cifar10_jpeg"], "or cifar10-jpeg.tar.xz, in data/cifar10_jpeg: put them there"),
    ([*NEW, "--dataset", "mnist+validation", "--data-dir", "."], "is cut off: it should hold 100 bytes"),
    ([*NEW, "--dataset", "good.npz+validation"], "would hold out 20 of 20 training examples"),
    ([*NEW, "--dataset", "digits+test"], "unknown ending '+test' of data set 'digits+test'"),
    # values
    ([*NEW, "--density", "0"], "--density 0 leaves no link"),
    ([*NEW, "--density", "1e-5"], "--density 1e-05 leaves no link in a layer of 64 x 16 neurons: use at least"),
    ([*NEW, "--density", "1.5"], "--density 1.5 must lie in [0, 1]"),
    ([*NEW, "--density", "nan"], "--density nan must lie in [0, 1]"),
    ([*NEW, "--method", "dense"], "its density must be 1 (not 0.2)"),
    ([*NEW, "--method", "chtz"], "unknown method 'chtz': did you mean 'cht'?"),
    ([*NEW, "--lr", "1e6"], "the loss is not finite in epoch 1, at step "),
    ([*NEW, "--lr", "-1"], "--lr -1.0 must be a positive number"),
    ([*NEW, "--epochs", "0"], "--epochs 0 must be at least 1"),
    ([*NEW, "--epochs", "9" * 30], "must be at most"),
    ([*NEW, "--batch-size", "9" * 30], "must be at most"),
    ([*NEW, "--hidden", "9" * 30], "must be one or more positive widths below"),
    ([*NEW, "--hidden", "0"], "hidden=[0] must be"),
    ([*NEW, "--seed", "-1"], "--seed -1 must be at least 0"),
    ([*NEW, "--seed", "9" * 30], "must be at least 0 and below"),
    ([*NEW, "--measures", "none", "closure"], "measures=['none', 'closure']: 'none' stands alone, for no measures"),
    (
        [*NEW, "--set", "rewarmup_steps=9", "--update-interval", "5"],
        "rewarmup_steps=9 must be less than --update-interval 5, or the learning rate never recovers",
    ),
    ([*NEW, "--threads", "99999999"], "--threads 99999999 must be at most 1024"),
    ([*NEW, "--device", "gpu"], "--device gpu is unknown: did you mean 'cpu'?"),
    ([*NEW, "--precision", "fp16"], "--precision fp16 is unknown"),
    # parts of the method
    ([*NEW, "--set", "generator=bws"], "unknown generator 'bws': did you mean 'bsw'?"),
    ([*NEW, "--set", "generator=5"], "generator=5 must be of type str"),
    ([*NEW, "--set", "zeat=0.1"], "no field 'zeat': did you mean 'zeta'?"),
    ([*NEW, "--set", "zeta"], "--set 'zeta' must be COMPONENT=VALUE"),
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
    ([*NEW, "--method", "granet", "--density", "0.6"], "falls from start_density=0.5 to --density 0.6"),
    ([*NEW, "--method", "gmp", "--backend", "csr"], "use --backend masked"),
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
    *(
        (
            ["train", f"nul-{name}.toml"],
            f"nul-{name}.toml: {name}='a\\x00b' has a NUL character, which no path can have",
        )
        for name in NUL
    ),
    (
        ["train", *SMALL, "--run-dir", "complete"],
        "complete already exists: continue it with topolearn train --resume complete, replace it",
    ),
    (["train", *SMALL, "--run-dir", "file"], "file exists and is not a run"),
    (["train", *SMALL, "--run-dir", "file/new"], "file/new cannot be created (Not a directory)"),
    (["train", *SMALL, "--run-dir", LONG], "File name too long"),
    (["train", "complete/config.toml"], "exists: continue it with topolearn train --resume"),
    (["train", "--resume", "nothing"], "no run in nothing"),
    (["train", "--resume", "file"], "no run in file"),
    (["train", "--resume", "bare"], "bare/config.toml leaves values open"),
    (["train", "--resume", "complete"], "run complete is complete"),
    (["train", "--resume", "unfinished", "--epochs", "3"], "--resume takes no options other than"),
    (["train", "--resume", "edited"], "config.toml has changed since it was written"),
    (["report", "nothing"], "no run in nothing"),
    (["report", "file"], "no run in file"),
    (["report", "complete", "--compare", "nothing"], "no run in nothing"),
    (["report", "bare"], "no finished epoch"),
    (["download", "digits"], "'digits' is bundled: there is nothing to download"),
    (["download", "good.npz"], "good.npz is your own file"),
    (["download", "cifar10_jpeg"], "'cifar10_jpeg' is not downloadable: choose one of mnist, "),
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
        (["diagnose", "good.npz", "--sides", "3"], "argument --sides: invalid choice 3: choose 1 or 2"),
        (["score", "good.npz", "--sides", "0"], "argument --sides: invalid choice 0: choose 1 or 2"),
        (["diagnose", "good.npz", "--index-base", "2"], "argument --index-base: invalid choice 2: choose 0 or 1"),
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


@pytest.mark.parametrize(
    ("where", "words", "said"),
    [
        ((entry_points, "load_dataset"), NEW, ""),
        ((entry_points, "open_recorder"), NEW, ""),
        ((trainer.Trainer, "run"), NEW, "; continue the run with topolearn train --resume new"),
        (
            (entry_points, "load_dataset"),
            ["train", "--resume", "unfinished"],
            "; continue the run with topolearn train --resume unfinished",
        ),
    ],
)
def test_an_interrupted_training_says_how_to_continue_if_there_is_a_run(
    where, words, said, folder, monkeypatch, capsys
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(*where, interrupted)
    assert main(words) == 130
    assert capsys.readouterr().err == f"topolearn: interrupted{said}\n"


def test_internal_errors_are_not_hidden(folder, monkeypatch):
    def wrong(*_, **__):
        raise AssertionError("a mistake")

    monkeypatch.setattr(training, "train", wrong)
    with pytest.raises(AssertionError, match="a mistake"):
        main(NEW)
