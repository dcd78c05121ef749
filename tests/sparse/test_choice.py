"""backend="auto": a table of crossovers, shipped or measured here."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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


TABLE = Crossovers((100, 1000), (10, 1000), ((0.0, 0.2), (0.4, 0.1)))


@pytest.mark.parametrize(
    ("n_in", "n_out", "batch", "expected"),
    [
        (100, 100, 10, 0.0),
        (1000, 1000, 10, 0.4),
        (100, 10_000, 1000, 0.1),
        (10, 10, 100, 0.1),
        (5000, 9000, 10**6, 0.1),
        (100, 1000, 10, 0.2),
    ],
)
def test_between_marks_by_interpolation_and_beyond_by_the_edge(n_in, n_out, batch, expected):
    assert TABLE.at(n_in, n_out, batch) == pytest.approx(expected)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
def test_within_the_range_of_the_table(n_in, n_out, batch):
    assert 0 <= TABLE.at(n_in, n_out, batch) <= 0.4


def test_the_shipped_table_is_used_until_there_is_another(cache):
    assert calibration_file() == cache
    assert crossovers() == choice._read(SHIPPED, 0)
    assert best_backend(1568, 1568, 0.01) == "csr"
    assert best_backend(8, 8, 0.01) == "masked"
    cache.parent.mkdir()
    cache.write_text(json.dumps({"widths": [8], "batches": [1], "densities": [[0.5]]}))
    assert best_backend(8, 8, 0.5) == "csr"
    assert best_backend(8, 8, 0.51) == "masked"
    cache.write_text(json.dumps({"widths": [8], "batches": [1], "densities": [[0.25]]}))
    assert best_backend(8, 8, 0.5) == "masked"


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"widths": [8], "batches": [1], "densities": [[2]]}',
                                     '{"widths": [8, 9], "batches": [1], "densities": [[0.2]]}'])  # fmt: skip
def test_a_file_that_is_no_table(content, cache):
    cache.parent.mkdir()
    cache.write_text(content)
    with pytest.raises(CorruptFileError, match=r"crossovers\.json is no table of crossovers: remove it"):
        best_backend(8, 8, 0.5)


@pytest.mark.parametrize("options", [{"device": "cuda"}, {"device": "meta"}, {"dtype": torch.bfloat16}], ids=str)
def test_only_the_cpu_in_single_and_double_precision_takes_csr(options):
    assert best_backend(1568, 1568, 0.01, **options) == "masked"


def test_each_layer_has_the_backend_that_suits_it():
    model = torch.nn.Sequential(*(torch.nn.Linear(a, b) for a, b in ((8, 8), (8, 1500), (1500, 1500), (1500, 2))))
    model = tl.sparsify(model, tl.method("set", density=0.02))
    assert [type(model[i]) for i in (0, 2)] == [MaskedLinear, CsrLinear]
    assert tl.topology_of(model).n_links == 1 + 240 + 45_000


def test_calibration_keeps_a_table_for_this_machine(cache, capsys, monkeypatch):
    small = Crossovers(
        (16, 32), (1, 8), measure_crossovers((16, 32), (1, 8), densities=(0.1, 0.3), seconds=0.01).densities
    )
    assert all(0 <= x <= 0.3 for row in small.densities for x in row)
    monkeypatch.setattr("topolearn.benchmarks.measure_crossovers", lambda **_: small)
    assert main(["bench", "--calibrate"]) == 0
    assert str(cache) in capsys.readouterr().out
    assert crossovers() == Crossovers([16, 32], [1, 8], [list(row) for row in small.densities])


def test_bench_without_a_task_is_a_mistake(capsys):
    assert main(["bench"]) == 2
    assert "give 'train', or --calibrate" in capsys.readouterr().err
