"""Several processes train like one process with the whole batch; rank 0 records the run."""

import warnings
from unittest import mock

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import topolearn as tl
from tests.processes import NEED_GLOO, run_ranks
from tests.training.ranks import CASES, N_RANKS, data, double_mlp, rank, trained
from topolearn.training import build
from topolearn.training.ranks import Ranks

pytestmark = NEED_GLOO


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("ranks")
    run_ranks(N_RANKS, rank, path / "store", path)
    return path


@pytest.mark.parametrize(("method", "backend"), CASES)
def test_ranks_train_as_one_process(folder, tmp_path, method, backend):
    alone = trained(tmp_path / "alone", method, "masked" if method == "granet" else backend)
    shared = tl.Run(folder / f"{method}-{backend}")
    assert shared.is_complete
    assert shared.summary["n_updates"] == alone.summary["n_updates"]
    ours, theirs = (load_file(run.path / "checkpoints" / "last.safetensors") for run in (shared, alone))
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        if name.startswith("links/"):
            assert torch.equal(ours[name], tensor)
        else:
            torch.testing.assert_close(ours[name], tensor, atol=1e-6, rtol=1e-6)
    for name in ("metrics.csv", "network.csv"):
        tables = [pd.read_csv(run.path / name).drop(columns="seconds", errors="ignore") for run in (shared, alone)]
        pd.testing.assert_frame_equal(*tables, rtol=1e-6)
    if method != "dense":
        assert shared.history.steps == alone.history.steps
        for layer in alone.history.layers:
            pd.testing.assert_frame_equal(shared.history.events(layer), alone.history.events(layer))


def test_what_cannot_be_shared_is_rejected_on_all_ranks(folder):
    told = [torch.load(folder / f"{index}.pt") for index in range(N_RANKS)]
    for each in told:
        assert "its parameter shrinks as the density falls" in each["shrinking"]
        assert each["existing"].startswith("ExistingFileError: the run directory")
        assert "seed is 0 on rank 0 and 1 on rank 1 and 2 on rank 2" in each["other seeds"]


def test_continuing_with_another_number_of_processes_warns(tmp_path):
    run = trained(tmp_path / "run", "chts", "csr")
    assert run.environment["processes"] == "1"
    with warnings.catch_warnings(), mock.patch.object(build, "mlp", double_mlp):
        warnings.simplefilter("error")
        tl.resume(run.path, data=data(), quiet=True)
    path = run.path / "environment.json"
    path.write_text(path.read_text().replace('"processes": "1"', '"processes": "3"'))
    told = pytest.warns(UserWarning, match="was started with 3 processes and continues with 1: .* not bit for bit")
    with mock.patch.object(build, "mlp", double_mlp), told:
        tl.resume(run.path, data=data(), accept_changes=True, quiet=True)


def test_every_example_is_in_one_share(monkeypatch):
    examples = torch.arange(8)
    for size in (1, 3, 8, 11):
        shares = []
        for index in range(size):
            ranks = Ranks()
            monkeypatch.setattr(ranks, "group", object() if size > 1 else None)
            ranks.size, ranks.index = size, index
            shares.append(ranks.share(examples))
        assert torch.equal(torch.cat(shares), examples)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
