"""Studies: expansion into runs, hashes of runs, and an error with a fix for every mistake."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError, TopolearnError
from topolearn.evolution import Method
from topolearn.studies import Study, config_hash
from topolearn.studies.directory import StudyDirectory
from topolearn.studies.identity import identity
from topolearn.studies.values import flat, laid_over
from topolearn.training import TrainConfig

FILE = """
name = "digits"
seeds = [0, 1]

[base]
epochs = 3
density = 0.1
generator_params.beta = 0.1

[[setting]]
label = "SET"
method = "set"
generator = "bsf"

[[setting]]
label = "CHTs"
method = "chts"
overrides.theta = 0.8

[grid]
zeta = [0.1, 0.3]
"hidden" = [[8], [16, 16]]
"""


def test_a_file_becomes_runs(tmp_path):
    Path(tmp_path, "study.toml").write_text(FILE)
    runs = Study.load(tmp_path / "study.toml").runs()
    assert len(runs) == 2 * 2 * 2 * 2
    assert len({run.hash for run in runs}) == len({run.id for run in runs}) == 16
    assert [run.seed for run in runs] == [0] * 8 + [1] * 8
    assert [run.label for run in runs[:5]] == [
        "SET, zeta=0.1, hidden=[8]",
        "SET, zeta=0.1, hidden=[16, 16]",
        "SET, zeta=0.3, hidden=[8]",
        "SET, zeta=0.3, hidden=[16, 16]",
        "CHTs, zeta=0.1, hidden=[8]",
    ]
    first, chts = runs[0], runs[15]
    assert (first.config.method, first.config.epochs, first.config.density, first.config.hidden) == (
        "set",
        3,
        0.1,
        (8,),
    )
    assert first.config.overrides == {"generator": "bsf", "zeta": 0.1}  # without beta, which BSF does not have
    assert chts.config.overrides == {"generator_params": {"beta": 0.1}, "theta": 0.8, "zeta": 0.3}
    assert chts.varied == {"method": "chts", "theta": 0.8, "zeta": 0.3, "hidden": [16, 16]}
    assert first.varied == {"method": "set", "generator": "bsf", "zeta": 0.1, "hidden": [8]}
    assert chts.config.seed == 1


def test_a_study_without_settings_is_one(tmp_path):
    Path(tmp_path, "plain.toml").write_text("[base]\nepochs = 1\n")
    (run,) = Study.load(tmp_path / "plain.toml").runs()
    assert (run.label, run.seed, run.config.epochs) == ("plain", 0, 1)


def test_a_file_may_begin_with_the_mark_that_windows_writes(tmp_path):
    Path(tmp_path, "study.toml").write_text(FILE, encoding="utf-8-sig")
    assert len(Study.load(tmp_path / "study.toml").runs()) == 16


def test_an_option_of_one_setting_is_filled_from_the_base_in_the_others():
    study = Study(
        name="filled",
        base={"zeta": 0.3, "density": 0.1, "generator": "bsw", "generator_params": {"beta": 0.2}},
        settings=[{"label": "base"}, {"label": "low", "zeta": 0.1}, {"label": "er", "generator": "er"}],
        grid={"theta": [0.8]},
    )
    assert [run.varied for run in study.runs()] == [
        {"zeta": 0.3, "generator": "bsw", "theta": 0.8},
        {"zeta": 0.1, "generator": "bsw", "theta": 0.8},
        {"zeta": 0.3, "generator": "er", "theta": 0.8},
    ]


def test_close_values_have_different_labels():
    """Runs with the same label are pooled, as if they differed only in the seed."""
    study = Study(name="close", grid={"zeta": [0.1, 0.10000001, 0.5]})
    assert [run.label for run in study.runs()] == ["close, zeta=0.1", "close, zeta=0.10000001", "close, zeta=0.5"]


def test_the_same_study_from_python(tmp_path):
    Path(tmp_path, "study.toml").write_text(FILE)
    again = Study(
        name="digits",
        seeds=(0, 1),
        base={"epochs": 3, "density": 0.1, "generator_params": {"beta": 0.1}},
        settings=[
            {"label": "SET", "method": "set", "generator": "bsf"},
            {"label": "CHTs", "method": "chts", "overrides": {"theta": 0.8}},
        ],
        grid={"overrides.zeta": [0.1, 0.3], "hidden": [[8], [16, 16]]},
    )
    assert [run.hash for run in again.runs()] == [run.hash for run in Study.load(tmp_path / "study.toml").runs()]


@pytest.mark.parametrize(
    ("lower", "upper", "both"),
    [
        ({"epochs": 1, "zeta": 0.1}, {"zeta": 0.2}, {"epochs": 1, "zeta": 0.2}),
        ({"generator": "bsw", "generator_params.beta": 0.1}, {"generator": "er"}, {"generator": "er"}),
        (
            {"generator": "bsw", "generator_params.beta": 0.1},
            {"generator": "bsw"},
            {"generator": "bsw", "generator_params.beta": 0.1},
        ),
        ({"distribution": "erk"}, {"distribution.hidden1": 0.1}, {"distribution.hidden1": 0.1}),
        ({"distribution.hidden1": 0.1}, {"distribution": "erk"}, {"distribution": "erk"}),
        (
            {"distribution.hidden1": 0.1},
            {"distribution.hidden2": 0.2},
            {"distribution.hidden1": 0.1, "distribution.hidden2": 0.2},
        ),
    ],
)
def test_later_options_win(lower, upper, both):
    assert laid_over([lower, upper]) == both


def test_names_of_layers_may_have_dots():
    assert flat({"distribution": {"layers.0.*": 0.1}}) == {"distribution.layers.0.*": 0.1}


BASE = {"epochs": 1}
A, B = {"label": "A", "method": "set"}, {"label": "B", "method": "chts"}
MISTAKES = [
    ({"base": {"epoch": 1}}, "there is no option 'epoch': did you mean 'epochs'?"),
    ({"base": {"zeat": 1}}, "there is no option 'zeat': did you mean 'zeta'?"),
    ({"settings": [A, {"label": "C", "zeat": 1}]}, "setting 'C': there is no option 'zeat': did you mean 'zeta'?"),
    ({"grid": {"zeat": [1]}}, "there is no option 'zeat': did you mean 'zeta'?"),
    ({"base": {"epochs": {"a": 1}}}, "there is no option 'epochs.a': did you mean 'epochs'?"),
    ({"base": {"seed": 1}}, "'seed' cannot be set in the settings of a study: list the seeds of the study in 'seeds'"),
    ({"grid": {"run_dir": ["a"]}}, "'run_dir' cannot be set in the settings of a study"),
    ({"settings": [A, {"label": "C", "epochs": 0}]}, "setting 'C': epochs=0 must be at least 1"),
    ({"grid": {"zeta": [0.1, 2.0]}}, "setting 'small, zeta=2': zeta=2.0 must lie strictly between 0 and 1"),
    ({"settings": [{"label": "C", "method": "chtz"}]}, "setting 'C': unknown method 'chtz': did you mean 'cht'?"),
    ({"settings": [{"method": "set"}]}, "the setting {'method': 'set'} needs a label"),
    ({"settings": [A, {**B, "label": "A"}]}, "the label 'A' occurs 2 times: each label must be unique"),
    ({"settings": [A, {**A, "label": "B"}]}, "settings 'A' and 'B' are the same training"),
    ({"settings": [A, {**A, "label": "B", "zeta": 0.3}]}, "settings 'A' and 'B' are the same training"),
    ({"seeds": []}, "seeds=[] leaves nothing to run"),
    ({"seeds": [0, 1, 0]}, "the seed 0 occurs 2 times: each seed must be unique"),
    ({"seeds": [0.5]}, "seeds=[0.5] must be of type tuple[int, ...]"),
    ({"seeds": [-1]}, "setting 'small': seed=-1 must be at least 0"),
    ({"grid": {"zeta": 0.1}}, "grid: zeta=0.1 must be a non-empty list of values"),
    ({"grid": {"zeta": []}}, "grid: zeta=[] must be a non-empty list of values"),
    ({"grid": {"zeta": [0.1, 0.1]}}, "the value of 'zeta' in the grid 0.1 occurs 2 times"),
    ({"grid": {"zeta": [0.1, 0.2, 0.1]}}, "the value of 'zeta' in the grid 0.1 occurs 2 times"),
    ({"grid": {"hidden": [[16], [16]]}}, "the value of 'hidden' in the grid [16] occurs 2 times"),
    ({"grid": {"generator_params": {"beta": [1, 1.0]}}}, "the value of 'generator_params.beta' in the grid 1 occurs 2"),
    ({"grid": {"dataset": ["x", Path("x")]}}, "settings 'small, dataset=x' and 'small, dataset=x' are the same"),
    ({"name": "a/b"}, "name='a/b' must consist of letters, digits, dots, hyphens and underscores"),
    ({"base": {"density": 0.1}, "settings": [{"label": "C", "method": "dense"}]}, "its density must be 1"),
]


@pytest.mark.parametrize(("parts", "said"), MISTAKES, ids=[said[:50] for _, said in MISTAKES])
def test_mistakes_are_rejected(parts, said):
    with pytest.raises(TopolearnError) as stop:
        Study(**{"name": "small", "base": BASE, **parts})
    assert said in str(stop.value)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (None, MissingFileError, r"there is no study file .*study\.toml"),
        ("seeds = [", CorruptFileError, r"study\.toml is not TOML"),
        ("seed = [1]", InvalidValueError, r"study\.toml: a study has no key 'seed': did you mean 'seeds'\?"),
        ("[base]\nepoch = 1", InvalidValueError, r"study\.toml: there is no option 'epoch': did you mean 'epochs'\?"),
        ("[[base]]\nepochs = 1", TopolearnError, r"study\.toml: base=\[\{'epochs': 1\}\] must be of type dict"),
    ],
)
def test_mistakes_in_a_file(text, error, said, tmp_path):
    path = tmp_path / "study.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=said):
        Study.load(path)


# --- the hash --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [{"run_dir": "x"}, {"data_dir": "x"}, {"threads": 2}, {"density": 0.05}, {"overrides": {"zeta": 0.3}}],
    ids=str,
)
def test_what_is_not_in_the_hash(values):
    assert config_hash(TrainConfig(**values)) == config_hash(TrainConfig())


@pytest.mark.parametrize(
    "values",
    [
        {"seed": 1}, {"epochs": 1}, {"density": 0.04}, {"overrides": {"zeta": 0.2}}, {"method": "set"}, {"lr": 0.1},
        {"dataset": "mnist"}, {"hidden": (8,)}, {"backend": "csr"}, {"device": "cpu"}, {"precision": "bf16"},
        {"history": "summary"}, {"measures": ("closure",)}, {"overrides": {"generator_params": {"beta": 0.1}}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_in_the_hash(values):
    assert config_hash(TrainConfig(**values)) != config_hash(TrainConfig())


def test_the_hash_is_the_same_everywhere():
    """Hashes must stay the same across versions: raise FORMAT if this must change, for example with a default."""
    config = TrainConfig(method="set", density=0.01, dataset="mnist", overrides={"generator": "csti"}, seed=2)
    assert identity(config) == {
        "format": 1,
        "train": {"dataset": "mnist", "method": "set", "seed": 2},
        "method": {"density": 0.01, "generator": "csti", "removal": "weight_magnitude", "regrowth": "random"},
    }
    assert config_hash(config) == "2412be43cb4f75f69af1daf1f6f70fcec76feb62d531fd1bf7018b83d3a3603f"


def test_the_defaults_are_those_of_the_format():
    """Defaults are left out of the hash: when a default changes, raise FORMAT and change it here."""
    defaults = {name: value for name, value in TrainConfig().to_dict().items() if name in DEFAULTS}
    assert json.loads(json.dumps(defaults)) == DEFAULTS
    parts = {f.name: f.default for f in fields(Method) if f.name in PARTS}
    assert parts == PARTS


PARTS = {
    "density": 0.05,
    "generator": "er",
    "input_generator": None,
    "weight_scale": "links",
    "distribution": "uniform",
    "density_schedule": "constant",
    "start_density": None,
    "decay_start": 0.0,
    "decay_end": 0.75,
    "match_flops": False,
    "pruning": "weight_magnitude",
    "removal": None,
    "regrowth": None,
    "zeta": 0.3,
    "zeta_schedule": "constant",
    "softness": (0.5, 0.75),
    "softness_schedule": "exponent",
    "interval": None,
    "l1": 0.0,
    "noise": 0.0,
    "percolation": False,
    "percolation_unit": "coordinate",
    "per_head": False,
    "allow_return": True,
    "theta": 0.9,
    "early_stop": False,
    "stop_fraction": 1.0,
    "skip_gradient_step": False,
    "rewarmup_steps": 0,
    "storage": "links",
    "constant_fan_in": False,
    "ablation": None,
    "backward_ratio": None,
    "exploration_penalty": 0.0,
}
DEFAULTS = {
    "dataset": "digits",
    "method": "chts",
    "hidden": None,
    "epochs": 20,
    "batch_size": 32,
    "lr": 0.025,
    "lr_end": 0.01,
    "lr_decay": 0.9,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "update_interval": None,
    "seed": 0,
    "device": "auto",
    "backend": "auto",
    "precision": "float32",
    "history": "full",
    "measure_every": None,
}


def test_a_directory_that_another_process_is_about_to_write_is_taken(tmp_path):
    study = Study(name="small", settings=[A])
    (tmp_path / ".0a1b.toml").write_text("half a recor")  # study.toml, as it is written aside
    StudyDirectory(tmp_path, study).prepare()
    StudyDirectory(tmp_path, study)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(InvalidValueError, match=r"is not a results directory, as it has no study\.toml"):
        StudyDirectory(tmp_path / "other", study)
