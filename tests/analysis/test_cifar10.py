"""CIFAR-10: what its rows train, and what its file keeps."""

import pandas as pd
import pytest

from analysis import cifar10_mlp
from analysis.cifar10_mlp import DATASETS, FILE, GROUPS, PAPER, planned, results_file, study
from analysis.command import KEPT
from analysis.mlp_results import TITLES, differences, draw, table


def test_rows_are_trained_as_in_table_1_with_the_width_of_the_paper():
    for run in planned("cifar10_jpeg", 100):
        config = run.config
        assert (config.hidden, config.epochs, config.batch_size, config.lr) == ((3072,) * 3, 100, 32, 0.025)
        assert (config.dataset, config.threads) == ("cifar10_jpeg", 1)
        method = config.build_method()
        assert method.is_dense or method.density == 0.01


def test_the_groups_say_how_density_changes():
    for group, is_constant in (("constant", True), ("falling", False)):
        for run in study(group, seeds=1).runs():
            method = run.config.build_method()
            assert (method.initial_density == method.density) == is_constant, run.label
            assert run.config.backend == "csr"


def test_every_published_row_is_trained():
    assert set(PAPER) <= {label for rows in GROUPS.values() for label in rows}


def test_each_data_set_has_its_own_hashes_and_file():
    hashes = [{run.hash for run in planned(name, 100)} for name in DATASETS]
    assert not hashes[0] & hashes[1]
    assert len({results_file(name, epochs) for name in DATASETS for epochs in (1, 2, 100)}) == 3 * len(DATASETS)
    assert results_file("cifar10_jpeg") == FILE
    assert set(DATASETS) <= set(TITLES)


@pytest.mark.skipif(not FILE.is_file(), reason="no run is finished yet")
def test_committed_runs_are_those_of_the_study():
    runs = pd.read_csv(FILE)
    hashes = {(run.label, run.seed): run.hash for run in planned(DATASETS[0], 100)}
    assert {(row.label, row.seed): row.hash for row in runs.itertuples()}.items() <= hashes.items()
    assert not runs.duplicated("hash").any()
    assert set(KEPT) == set(runs)


def test_table_and_figure_of_one_data_set():
    rows = [
        {"dataset": "cifar10_jpeg", "label": label, "seed": seed, "best_accuracy": 0.6 + 0.01 * seed,
         "last_accuracy": 0.6, "active_neurons": 0.2, "active_neurons_authors": 0.3, "seconds": 9.0, "epochs": 100}
        for label in ("SET", "CHTs (CH2-L3n)") for seed in (0, 1)
    ]  # fmt: skip
    runs = pd.DataFrame(rows)
    shown = table(runs, "cifar10_jpeg", PAPER)
    assert shown.index.name == "CIFAR-10, JPEG copy"
    assert shown["difference"].tolist() == ["-2.20", "-9.47"]
    assert [*differences(runs, "cifar10_jpeg", cifar10_mlp.PAIRS).index] == ["CHTs (CH2-L3n) - SET"]
    assert len(draw(runs, {"cifar10_jpeg": PAPER}).axes) == 1
