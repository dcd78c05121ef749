"""Configurations that are rejected, each with a message that quotes the value."""

from pathlib import Path

import pytest

from topolearn.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
    TopolearnError,
    UnknownNameError,
)
from topolearn.sparse import BACKENDS, CsrLinear
from topolearn.training import TrainConfig


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": True},
        {"epochs": 2.0},
        {"epochs": "3"},
        {"epochs": None},
        {"lr": "0.1"},
        {"lr": True},
        {"method": 3},
        {"dataset": None},
        {"density": "0.1"},
        {"hidden": 64},
        {"hidden": "64"},
        {"hidden": [64, 3.5]},
        {"hidden": [True]},
        {"overrides": 5},
        {"overrides": ["zeta"]},
        {"overrides": {"zeta": "a"}},
        {"overrides": {"zeta": True}},
        {"overrides": {"percolation": "yes"}},
        {"overrides": {"percolation": 1}},
        {"overrides": {"removal": 5}},
        {"overrides": {"generator": ["er"]}},
        {"overrides": {"generator_params": 5}},
        {"overrides": {"softness": 0.5}},
        {"overrides": {"softness": [0.5, "a"]}},
        {"overrides": {"zeta_schedule": None}},
    ],
    ids=str,
)
def test_wrong_types_are_rejected(values):
    ((name, value),) = values.items()
    shown = next(iter(value)) if isinstance(value, dict) else name
    for make in (lambda: TrainConfig(**values), lambda: TrainConfig().with_values(values)):
        with pytest.raises(InvalidTypeError, match=f"{shown}=.* must be of type") as raised:
            make()
        assert isinstance(raised.value, TypeError)


def test_types_that_pass_for_others():
    config = TrainConfig(lr=1, hidden=[8, 9], run_dir=Path("a") / "b", overrides={"softness": [0, 0.5], "zeta": 0.5})
    assert (config.lr, config.hidden, config.run_dir) == (1.0, (8, 9), str(Path("a") / "b"))
    assert config.build_method().softness == (0.0, 0.5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs=0 must be at least 1"),
        ({"epochs": 2**40}, "epochs=.* must be at most"),
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"update_interval": 0}, "update_interval=0 must be at least 1"),
        (
            {"method": "deepr", "update_interval": 5},
            r"update_interval=5, but method 'deepr' requires 1: .*interval=5\)",
        ),
        ({"threads": 0}, "threads=0 must be at least 1"),
        ({"threads": 10**6}, "threads=1000000 must be at most 1024"),
        ({"hidden": []}, "hidden=.* one or more positive widths"),
        ({"hidden": [4, 0]}, "hidden=.* positive widths below"),
        ({"hidden": [10**20]}, "hidden=.* below"),
        ({"lr": 0}, "lr=0.0 must be a positive number"),
        ({"lr": float("nan")}, "lr=nan must be a positive number"),
        ({"lr": float("inf")}, "lr=inf must be a positive number"),
        ({"lr_end": 1.5}, "lr_end=1.5 must lie in"),
        ({"lr_decay": -0.1}, "lr_decay=-0.1 must lie in"),
        ({"momentum": float("nan")}, "momentum=nan must lie in"),
        ({"weight_decay": -1}, "weight_decay=-1.0 must lie in"),
        ({"seed": -1}, "seed=-1 must be at least 0"),
        ({"seed": 2**63}, "seed=.* below 2"),
        ({"device": "gpu"}, "device='gpu' is unknown: did you mean 'cpu'"),
        ({"backend": "coo"}, "backend='coo' is unknown"),
        ({"backend": "csr", "method": "dense"}, "method 'dense' has no sparse layers: leave backend='csr' out"),
        ({"precision": "float16"}, "precision='float16' is unknown: did you mean 'float32'"),
        ({"density": 0}, "density=0 leaves no link"),
        ({"density": 1.5}, "density=1.5 must lie in"),
        ({"density": float("nan")}, "density=nan must lie in"),
        ({"method": "dense", "density": 0.5}, "density must be 1"),
        ({"overrides": {"zeta": 1}}, "zeta=1.0 must lie strictly between"),
        ({"overrides": {"zet": 0.1}}, "no field 'zet': did you mean 'zeta'"),
        ({"overrides": {"title": "mine"}}, "no field 'title'"),
        ({"overrides": {"density": 0.1}}, r"a top-level option, not a method override: density=\.\.\."),
        ({"overrides": {"removal": None}}, "removal=None and regrowth=.* must be given together"),
        ({"overrides": {"generator_params": {"betta": 1}}}, "no parameter 'betta': did you mean 'beta'"),
    ],
    ids=str,
)
def test_values_out_of_range_are_rejected(values, message):
    with pytest.raises(InvalidValueError, match=message):
        TrainConfig(**values)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("dense", "has no sparse layers: leave backend='my_csr' out"),
        ("gmp", "has storage='dense', but the my_csr backend stores only links: use backend='masked'"),
    ],
)
def test_a_custom_links_only_backend_is_rejected_like_csr(method, message):
    class MyCsr(CsrLinear):
        """The csr layers, under another name."""

    BACKENDS.register("my_csr", MyCsr)
    try:
        with pytest.raises(InvalidValueError, match=message):
            TrainConfig(method=method, backend="my_csr")
    finally:
        BACKENDS.unregister("my_csr")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "chtx"}, "unknown method 'chtx': did you mean 'cht'.*dense"),
        ({"overrides": {"generator": "bws"}}, "unknown generator 'bws': did you mean 'bsw'"),
        ({"overrides": {"removal": "weight_magnitud"}}, "unknown removal score .* did you mean 'weight_magnitude'"),
        ({"overrides": {"regrowth": "rand"}}, "unknown regrowth score 'rand'"),
    ],
    ids=str,
)
def test_unknown_names_are_rejected(values, message):
    with pytest.raises(UnknownNameError, match=message):
        TrainConfig(**values)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("epoch = 3", InvalidValueError, "no option 'epoch': did you mean 'epochs'"),
        ("zeta = 0.1", InvalidValueError, "no option 'zeta'"),
        ("[train]\nepochs = 3", InvalidValueError, "no option 'train'"),
        ("epochs = 3.0", InvalidTypeError, "epochs=3.0 must be of type int"),
        ("overrides = 3", InvalidTypeError, "overrides=3"),
        ("epochs = ", CorruptFileError, "experiment.toml is not TOML"),
        ("epochs = 3\nepochs = 4", CorruptFileError, "is not TOML"),
        (b"\xff\xfe\x00", CorruptFileError, "is not TOML"),
        ('method = "sett"', UnknownNameError, "did you mean 'set'"),
    ],
)
def test_files_that_are_rejected(text, error, message, tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(error, match=message) as raised:
        TrainConfig.load(path)
    assert isinstance(raised.value, TopolearnError)


def test_a_file_that_is_missing_or_a_directory(tmp_path):
    for path in (tmp_path / "nothing.toml", tmp_path):
        with pytest.raises(MissingFileError, match="no configuration file"):
            TrainConfig.load(path)
