"""backend="auto": a table of crossovers, shipped or measured here."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import topolearn as tl
from topolearn.benchmarks import measure_crossovers
from topolearn.cli import main
from topolearn.errors import CorruptFileError
from topolearn.sparse import CsrLinear, MaskedLinear, best_backend, choice
from topolearn.sparse.choice import SHIPPED, Crossovers, calibration_file, crossovers


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "topolearn" / "crossovers.json"


ONE, FOUR = ((0.0, 0.2), (0.4, 0.1)), ((0.2, 0.2), (0.2, 0.2))
TABLE = Crossovers((1, 4), (100, 1000), (10, 1000), (ONE, FOUR))


@pytest.mark.parametrize(
    ("n_in", "n_out", "batch", "threads", "expected"),
    [
        (100, 100, 10, 1, 0.0),
        (1000, 1000, 10, 1, 0.4),
        (100, 10_000, 1000, 1, 0.1),
        (10, 10, 100, 1, 0.1),
        (5000, 9000, 10**6, 1, 0.1),
        (100, 1000, 10, 1, 0.2),
        (100, 100, 10, 2, 0.1),
        (1000, 1000, 10, 2, 0.3),
        (1000, 1000, 10, 64, 0.2),
    ],
)
def test_interpolated_between_marks_and_constant_beyond_the_edges(n_in, n_out, batch, threads, expected):
    assert TABLE.at(n_in, n_out, batch=batch, threads=threads) == pytest.approx(expected)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 100))
def test_within_the_range_of_the_table(n_in, n_out, batch, threads):
    assert 0 <= TABLE.at(n_in, n_out, batch=batch, threads=threads) <= 0.4


def table(densities, **values):
    return json.dumps({"threads": [1], "widths": [8], "batches": [1], "densities": [densities], **values})


def test_the_shipped_table_is_used_until_there_is_another(cache):
    assert calibration_file() == cache
    assert crossovers() == choice._read(SHIPPED, 0)
    assert best_backend(1568, 1568, 0.01) == "csr"
    assert best_backend(8, 8, 0.01) == "masked"
    cache.parent.mkdir()
    cache.write_text(table([[0.5]]))
    assert best_backend(8, 8, 0.5) == "csr"
    assert best_backend(8, 8, 0.51) == "masked"
    cache.write_text(table([[0.25]]))
    assert best_backend(8, 8, 0.5) == "masked"


@pytest.mark.parametrize(
    "content",
    [
        "", "{}", "[1]", table([[2]]), table([[0.2]], widths=[8, 9]), table([[0.2], [0.2]], widths=[9, 8]),
        table([[0.2]], threads=[0]), table([], widths=[]), table([["a"]]),
    ],
)  # fmt: skip
def test_a_file_that_is_not_a_table(content, cache):
    cache.parent.mkdir()
    cache.write_text(content)
    with pytest.raises(CorruptFileError, match=r"crossovers\.json is not a valid table of crossovers: remove it"):
        best_backend(8, 8, 0.5)


@pytest.mark.parametrize("options", [{"device": "cuda"}, {"device": "meta"}, {"dtype": torch.bfloat16}], ids=str)
def test_without_measurements_and_in_low_precision_layers_are_masked(options):
    assert best_backend(1568, 1568, 0.01, **options) == "masked"


def test_each_type_of_device_has_its_own_table(cache):
    cache.parent.mkdir()
    (cache.parent / "crossovers-cuda.json").write_text(table([[0.5]]))
    assert [best_backend(8, 8, 0.4, device=device) for device in ("cuda:1", "cpu", "meta")] == [
        "csr",
        "masked",
        "masked",
    ]
    assert best_backend(8, 8, 0.6, device="cuda") == "masked"
    assert best_backend(8, 8, 0.4, device="cuda", dtype=torch.bfloat16) == "masked"


def test_each_layer_has_the_backend_that_suits_it():
    model = torch.nn.Sequential(*(torch.nn.Linear(a, b) for a, b in ((8, 8), (8, 1500), (1500, 1500), (1500, 2))))
    model = tl.sparsify(model, tl.method("set", density=0.02))
    assert [type(model[i]) for i in (0, 2)] == [MaskedLinear, CsrLinear]
    assert tl.topology_of(model).n_links == 1 + 240 + 45_000


def test_the_choice_depends_on_threads(cache):
    cache.parent.mkdir()
    cache.write_text(json.dumps({"threads": [1, 2], "widths": [8], "batches": [1], "densities": [[[0.5]], [[0.1]]]}))
    assert [best_backend(8, 8, 0.3, threads=n) for n in (1, 2)] == ["csr", "masked"]


def test_a_model_is_made_for_its_batch(cache):
    cache.parent.mkdir()
    cache.write_text(json.dumps({"threads": [1], "widths": [8], "batches": [1, 64], "densities": [[[0.0, 0.5]]]}))
    for batch, kind in ((1, MaskedLinear), (64, CsrLinear)):
        model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 2))
        assert type(tl.sparsify(model, "set", batch=batch)[0]) is kind


def test_calibration_saves_a_table_for_this_machine(cache, capsys, monkeypatch):
    before = torch.get_num_threads()
    small = measure_crossovers((16, 32), (1, 8), threads=(1, 2), densities=(0.1, 0.3), seconds=0.01)
    assert torch.get_num_threads() == before
    assert np.shape(small.densities) == (2, 2, 2)
    assert 0 <= np.min(small.densities) <= np.max(small.densities) <= 0.3
    monkeypatch.setattr("topolearn.benchmarks.measure_crossovers", lambda **_: small)
    assert main(["bench", "--calibrate"]) == 0
    assert str(cache) in capsys.readouterr().out
    assert crossovers() == Crossovers([1, 2], [16, 32], [1, 8], small.densities)


def test_a_table_shipped_for_a_device_is_used(cache, tmp_path, monkeypatch):
    shipped = tmp_path / "shipped" / "crossovers.json"
    shipped.parent.mkdir()
    monkeypatch.setattr(choice, "SHIPPED", shipped)
    assert crossovers("cuda") is None
    shipped.with_name("crossovers-cuda.json").write_text(table([[0.5]]))
    assert best_backend(8, 8, 0.4, device="cuda") == "csr"


def test_calibration_of_a_device_saves_a_table_for_its_type(cache, capsys, monkeypatch, pretend):
    measured = []

    def measure(**options):
        measured.append(options["device"])
        return measure_crossovers((8, 16), (1, 4), densities=(0.1, 0.5), seconds=0.001, device=options["device"])

    monkeypatch.setattr("topolearn.benchmarks.measure_crossovers", measure)
    assert main(["bench", "--calibrate", "--device", "pretend"]) == 0
    file = cache.with_name("crossovers-pretend.json")
    assert str(file) in capsys.readouterr().out
    kept = crossovers("pretend")
    assert (measured, kept.threads, kept.widths, kept.batches) == ([torch.device("pretend")], [1], [8, 16], [1, 4])
    assert not np.any(kept.densities)  # this device has no sparse products
    assert not cache.exists()
    file.write_text(table([[0.5]]))
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 2)).to(pretend.device)
    assert type(tl.sparsify(model, tl.method("set", density=0.4))[0]) is CsrLinear


@pytest.mark.parametrize(("name", "message"), [("toaster", "is unknown"), ("cuda:99", "but torch sees ")])
def test_a_missing_device_is_a_mistake(name, message, capsys):
    assert main(["bench", "--calibrate", "--device", name]) == 2
    error = capsys.readouterr().err
    assert f"--device {name}" in error
    assert message in error


def test_a_device_without_calibration_is_a_mistake(capsys):
    assert main(["bench", "train", "--device", "cpu"]) == 2
    assert "--device is an option of --calibrate" in capsys.readouterr().err


def test_bench_without_a_task_is_a_mistake(capsys):
    assert main(["bench"]) == 2
    assert "give 'train' or --calibrate" in capsys.readouterr().err


class ReadsWeight(nn.Module):
    """As in T5 and Mamba, a method that the forward calls reads a weight; that of another layer only initialises it."""

    def __init__(self):
        super().__init__()
        self.wi, self.wo = nn.Linear(16, 2000), nn.Linear(2000, 16)
        self.initialise()

    def initialise(self):
        nn.init.zeros_(self.wi.weight)

    def forward(self, x):
        return self.wo(self.cast(torch.relu(self.wi(x))))

    def cast(self, x):
        return x.to(self.wo.weight.dtype)


def test_a_layer_whose_weight_is_read_is_masked(monkeypatch):
    monkeypatch.setattr("topolearn.sparse.conversion.topology.best_backend", lambda *_, **__: "csr")
    model = tl.sparsify(ReadsWeight(), tl.method("set", density=0.01), exclude=[])
    assert isinstance(model.wi, CsrLinear)
    assert isinstance(model.wo, MaskedLinear)
    model(torch.ones(1, 16))
    with pytest.warns(UserWarning, match="ReadsWeight reads the weight of layer 'wo', which a csr layer does not have"):
        tl.sparsify(ReadsWeight(), tl.method("set", density=0.01), exclude=[], backend="csr")
