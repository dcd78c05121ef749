"""Neuron deaths: by hand, and against dense matrices."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diagnostics.test_link_ages import PAST, Events, Past
from tests.profiles import examples
from topolearn import BipartiteGraph
from topolearn import diagnostics as dg


def test_deaths_by_hand():
    rows = dg.neuron_deaths(PAST)
    # update 1 removes (0, 0), and (0, 1) keeps input 0 alive; update 2 removes that and (2, 0), and (2, 1) keeps
    # output 1 alive; update 3 removes (3, 0), the last link of input 3, and adds (0, 0)
    kept = rows[["side", "neuron", "update", "n_links", "neighbours"]].to_numpy().tolist()
    assert kept == [["input", 0, 2, 1, (1,)], ["input", 3, 3, 1, (0,)]]
    assert rows["revived"].tolist() == [3, pd.NA] or (rows["revived"][0] == 3 and pd.isna(rows["revived"][1]))


def test_a_history_without_updates_has_no_deaths():
    rows = dg.neuron_deaths(Past({"a": BipartiteGraph(np.zeros((2, 3), dtype=bool))}))
    assert rows.empty
    assert list(rows.columns) == ["layer", "side", "neuron", "update", "step", "n_links", "neighbours", "revived"]


@examples(60)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_deaths_are_those_of_dense_matrices(seed, n_updates):
    draws = np.random.default_rng(seed)
    states = [draws.random((4, 5)) < draws.uniform(0.05, 0.5) for _ in range(n_updates + 1)]
    updates = []
    for before, after in itertools.pairwise(states):
        lost, grown = before & ~after, after & ~before
        events = Events()
        events.cells |= {"removed": np.flatnonzero(lost), "regrown": np.flatnonzero(grown)}
        updates.append({"a": events})
    rows = dg.neuron_deaths(Past({"a": BipartiteGraph(states[0])}, updates))
    expected = []
    for number, (before, after) in enumerate(itertools.pairwise(states), start=1):
        for side, axis in (("input", 0), ("output", 1)):
            for neuron in np.flatnonzero(before.any(axis) & ~after.any(axis)):
                links = before[:, neuron] if axis == 0 else before[neuron]
                alive = [later for later in range(number + 1, n_updates + 1) if states[later].any(axis)[neuron]]
                expected.append((side, neuron, number, tuple(np.flatnonzero(links)), alive[0] if alive else 0))
    shown = rows.assign(revived=rows["revived"].fillna(0))[["side", "neuron", "update", "neighbours", "revived"]]
    assert sorted(shown.itertuples(index=False, name=None)) == sorted(expected)


def test_a_run_gives_the_steps(tmp_path):
    import topolearn as tl

    config = tl.TrainConfig(
        method="set", hidden=(16, 16), density=0.05, epochs=2, update_interval=10, measures=("none",), threads=1,
        overrides={"zeta": 0.8}, run_dir=str(tmp_path / "run"),
    )  # fmt: skip
    history = tl.train(config, quiet=True).history
    rows = dg.neuron_deaths(history)
    assert len(rows)
    assert set(rows["step"]) <= set(history.steps[1:])
    last = history.at(history.steps[-1])
    for layer, of_layer in rows[rows["revived"].isna()].groupby("layer"):
        for side, degrees in (("input", last[layer].fan_out), ("output", last[layer].fan_in)):
            assert not degrees[of_layer.loc[of_layer["side"] == side, "neuron"]].any()


@pytest.mark.parametrize("k", [0, -1, 1.5])
def test_an_invalid_number_of_links_is_rejected(k):
    with pytest.raises((ValueError, TypeError), match="k="):
        dg.oldest_links(PAST, "a", k=k)
