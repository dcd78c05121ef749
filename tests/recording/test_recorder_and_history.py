"""The files of a run, compared with the same quantities computed by hand from its links."""

import numpy as np
import pandas as pd
import pytest
import torch

import topolearn as tl
from topolearn.diagnostics import itop_rate
from topolearn.errors import InvalidValueError
from topolearn.evolution import EVENTS
from topolearn.recording.history import History
from topolearn.training import load_dataset

STEPS = 45  # batches of 32 in 1,437 examples
METRICS = [
    "epoch", "step", "lr", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "n_links", "density",
    "active_neurons", "active_neurons_authors", "n_updates", "overlap", "credit_paths", "hub_share", "seconds",
]  # fmt: skip
LAYERS = [
    "index", "step", "layer", "n_in", "n_out", "n_links", "density", "decayed", "removed", "percolated", "regrown",
    "overlap", "elm", "itop", "active_inputs", "active_outputs",
    *(f"{side}_{measure}" for side in ("fan_in", "fan_out") for measure in ("min", "mean", "max", "std")),
]  # fmt: skip
NETWORK = ["index", "step", "n_links", "density", "active_neurons", "active_neurons_authors", "overlap"]
NAMES = ["hidden1", "hidden2"]


def links(graph):
    return {tuple(edge) for edge in graph.edges().tolist()}


def rows_of(table, event):
    return set(map(tuple, table.loc[table["event"] == event, ["input", "output"]].to_numpy().tolist()))


@pytest.fixture(scope="module")
def rough(tmp_path_factory, small):
    """A run so sparse, and rewired so strongly, that neurons lose all links on one side and percolated links regrow."""
    parts = {"zeta": 0.6, "regrowth": "random"}
    path = tmp_path_factory.mktemp("rough") / "run"
    return tl.train(small(path, density=0.04, update_interval=5, epochs=2, overrides=parts), quiet=True)


@pytest.fixture(params=["chts", "rough"])
def run(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def replayed(chts):
    """The links of each layer at each step, replayed from the table of events with plain sets."""
    states = {}
    for name in NAMES:
        now = links(chts.history.initial[name])
        states[name] = {0: set(now)}
        for step, table in chts.history.events(name).groupby("step"):
            for event in ("decayed", "removed", "percolated"):
                lost = rows_of(table, event)
                assert lost <= now, f"{event} links of {name} at step {step} were none"
                now -= lost
            new = rows_of(table, "regrown")
            assert not new & now, f"links regrown in {name} at step {step} were there"
            now |= new
            states[name][int(step)] = set(now)
    return states


def up_to(states, step):
    return states[max(known for known in states if known <= step)]


def test_tables_are_tidy_and_read_by_anything(chts):
    metrics, layers, network = (pd.read_csv(chts.path / f"{name}.csv") for name in ("metrics", "layers", "network"))
    assert metrics.columns.tolist() == METRICS
    assert layers.columns.tolist() == LAYERS
    assert network.columns.tolist() == NETWORK
    assert metrics["epoch"].tolist() == [1, 2, 3]
    assert metrics["step"].tolist() == [STEPS, 2 * STEPS, 3 * STEPS]
    times = list(enumerate(chts.history.steps))
    assert list(layers[["index", "step", "layer"]].itertuples(index=False, name=None)) == [
        (*time, name) for time in times for name in NAMES
    ]
    assert list(network[["index", "step"]].itertuples(index=False, name=None)) == times
    for table in (metrics, layers, network):
        assert table.drop(columns="overlap").notna().all(axis=None)
        assert all(pd.api.types.is_numeric_dtype(table[name]) for name in table if name != "layer")
    for table in (layers, network):
        assert (table["overlap"].isna() == (table["index"] == 0)).all()
    pd.testing.assert_frame_equal(chts.metrics, metrics)
    pd.testing.assert_frame_equal(chts.layers, layers)
    pd.testing.assert_frame_equal(chts.network, network)


def test_updates_come_at_the_interval_and_not_at_the_end(chts):
    steps = list(range(10, 3 * STEPS, 10))
    assert chts.history.steps == [0, *steps]
    assert [update.index for update in chts.history] == list(range(1, len(steps) + 1))
    assert [update.step for update in chts.history] == steps
    per_epoch = [sum((epoch - 1) * STEPS < step <= epoch * STEPS for step in steps) for epoch in (1, 2, 3)]
    assert chts.metrics["n_updates"].tolist() == per_epoch
    assert chts.summary["n_updates"] == sum(per_epoch)


def test_every_kind_of_event_happened(chts):
    totals = chts.history.updates[list(EVENTS)].sum()
    assert totals["decayed"] == 0
    assert (totals[["removed", "percolated", "regrown"]] > 0).all()


def test_the_rough_run_is_rough(rough):
    both = one_sided = 0
    for name in NAMES:
        for _, table in rough.history.events(name).groupby("step"):
            both += len(rows_of(table, "percolated") & rows_of(table, "regrown"))
    for step in rough.metrics["step"]:
        first, second = rough.history.at(step).values()
        one_sided += ((first.fan_in > 0) != (second.fan_out > 0)).sum()
    assert both > 0
    assert one_sided > 0


def test_graphs_at_every_step_are_those_of_the_replay(chts, replayed):
    for step in (*chts.history.steps, 7, 10**6):
        graphs = chts.history.at(step)
        assert list(graphs) == NAMES
        for name, graph in graphs.items():
            assert links(graph) == up_to(replayed[name], step)


def test_link_counts_are_exact_at_every_step(chts):
    for step in chts.history.steps:
        for graph in chts.history.at(step).values():
            assert graph.n_links == round(0.08 * graph.n_in * graph.n_out)


def test_the_history_ends_where_the_last_checkpoint_stands(chts):
    first, last = chts.history.at(0), chts.history.at(chts.history.steps[-1])
    stored = tl.topology_of(chts.load_model("last")).graphs
    assert list(stored) == NAMES
    for name in NAMES:
        assert first[name] == chts.history.initial[name]
        assert last[name] == stored[name]
        assert last[name] != first[name]


def test_the_best_checkpoint_has_the_links_of_its_epoch(chts):
    stored = tl.topology_of(chts.load_model("best")).graphs
    assert stored == chts.history.at(chts.summary["best_epoch"] * STEPS)


def test_a_history_is_cut_after_an_update(chts, copy):
    history = History(copy(chts) / "topology")
    history.truncate(3)
    assert history.steps == chts.history.steps[:4]
    assert history.at(10**6) == chts.history.at(chts.history.steps[3])
    history.truncate(0)
    assert history.steps == [0]
    assert history.at(10**6) == chts.history.initial


def test_events_updates_and_layers_count_alike(chts):
    updates, layers = chts.history.updates, chts.layers
    for name in NAMES:
        events = chts.history.events(name)
        assert events.columns.tolist() == ["index", "step", "event", "input", "output"]
        counted = events.groupby(["step", "event"]).size().unstack(fill_value=0).reindex(columns=EVENTS, fill_value=0)
        stated = updates[updates["layer"] == name].set_index("step")[list(EVENTS)]
        np.testing.assert_array_equal(counted, stated)
        np.testing.assert_array_equal(counted.index, chts.history.steps[1:])
        np.testing.assert_array_equal(counted["regrown"], counted["removed"] + counted["percolated"])
        in_layers = layers[(layers["layer"] == name) & (layers["index"] > 0)]
        np.testing.assert_array_equal(counted, in_layers[list(EVENTS)])
    assert not layers.loc[layers["index"] == 0, list(EVENTS)].any(axis=None)


def test_overlap_is_that_of_the_events(run):
    found = {}
    for name in NAMES:
        for step, table in run.history.events(name).groupby("step"):
            regrown = rows_of(table, "regrown")
            gone = rows_of(table, "removed") | rows_of(table, "percolated")
            found[name, int(step)] = len(gone & regrown) / len(regrown)
    updates = run.history.updates
    assert dict(zip(zip(updates["layer"], updates["step"], strict=True), updates["overlap"], strict=True)) == found
    assert max(found.values()) > 0
    for row in run.layers[run.layers["index"] > 0].itertuples():
        assert row.overlap == found[row.layer, row.step]
    for row in run.network[run.network["index"] > 0].itertuples():
        assert row.overlap == pytest.approx(np.mean([x for (_, step), x in found.items() if step == row.step]))
    for row in run.metrics.itertuples():
        values = [x for (_, step), x in found.items() if -(-step // STEPS) == row.epoch]
        assert row.overlap == pytest.approx(np.mean(values))


def test_minima_are_counted_by_the_theta_of_the_method(tmp_path, small):
    parts = {"theta": 0.05}
    run = tl.train(small(tmp_path / "run", update_interval=10, epochs=2, overrides=parts), quiet=True)
    updates = run.history.updates
    assert (updates["elm"] == (updates["overlap"] >= 0.05)).all()
    assert updates["elm"].sum() > 0
    found = run.layers.groupby("layer", sort=False)["elm"].sum()
    pd.testing.assert_series_equal(found, updates.groupby("layer", sort=False)["elm"].sum(), check_dtype=False)


def test_itop_counts_every_link_that_ever_was(chts, replayed):
    for row in chts.layers.itertuples():
        ever = set().union(*(state for step, state in replayed[row.layer].items() if step <= row.step))
        assert row.itop == len(ever) / (row.n_in * row.n_out)
    last = chts.layers.groupby("layer")["itop"].last().to_dict()
    assert itop_rate(chts.history) == last
    assert all(last[name] > chts.history.initial[name].density for name in NAMES)


def test_active_neurons_by_brute_force(run):
    for row in run.metrics.itertuples():
        first, second = (g.to_scipy().toarray() for g in run.history.at(row.step).values())
        active = sum(any(first[j]) and any(second[:, j]) for j in range(32)) + sum(any(second[k]) for k in range(32))
        assert row.active_neurons == active / 64
        active = sum(any(first[:, i]) for i in range(64)) + sum(any(second[:, j]) for j in range(32))
        assert row.active_neurons_authors == (active + sum(any(second[k]) for k in range(32))) / 128
    assert run.metrics["active_neurons"].min() < 1
    assert run.summary["active_neurons"] == run.metrics["active_neurons"].iloc[-1]


def test_degree_summaries_are_those_of_the_graphs(chts):
    for row in chts.layers.itertuples():
        graph = chts.history.at(row.step)[row.layer]
        adjacency = graph.to_scipy().toarray()
        assert (row.n_in, row.n_out, row.n_links) == (graph.n_in, graph.n_out, adjacency.sum())
        assert row.density == adjacency.mean()
        assert (row.active_inputs, row.active_outputs) == (adjacency.any(axis=0).sum(), adjacency.any(axis=1).sum())
        for side, axis in (("fan_in", 1), ("fan_out", 0)):
            degrees = adjacency.sum(axis=axis)
            for measure in ("min", "mean", "max", "std"):
                assert getattr(row, f"{side}_{measure}") == pytest.approx(getattr(degrees, measure)())
    for row in chts.network.itertuples():
        layers = chts.layers[chts.layers["index"] == row.index]
        assert row.n_links == layers["n_links"].sum()
        assert row.density == row.n_links / (layers["n_in"] * layers["n_out"]).sum()


def test_metrics_say_of_the_network_what_the_last_update_left(run):
    for row in run.metrics.itertuples():
        network = run.network[run.network["step"] <= row.step].iloc[-1]
        for name in ("n_links", "density", "active_neurons", "active_neurons_authors"):
            assert getattr(row, name) == network[name]


def test_a_dense_run_has_all_links_and_no_history(dense):
    assert dense.history.initial == dense.history.at(0) == {}
    assert dense.history.layers == []
    assert dense.history.steps == [0]
    assert dense.history.updates.empty
    assert list(dense.history) == []
    assert not (dense.path / "topology").exists()
    assert (dense.metrics["n_links"] == 64 * 32 + 32 * 32).all()
    assert (dense.metrics[["density", "active_neurons", "active_neurons_authors"]] == 1).all(axis=None)
    assert (dense.layers[["density", "itop"]] == 1).all(axis=None)
    assert dense.metrics["overlap"].isna().all()
    with pytest.raises(InvalidValueError, match="no sparse layer 'hidden1': the run has none"):
        dense.history.events("hidden1")


def test_a_static_run_never_moves(small, tmp_path):
    run = tl.train(small(tmp_path / "run", method="static", epochs=1), quiet=True)
    assert run.history.steps == [0]
    assert run.history.events("hidden1").empty
    assert run.history.events("hidden1").columns.tolist() == ["index", "step", "event", "input", "output"]
    assert run.history.at(99) == run.history.initial == tl.topology_of(run.load_model("last")).graphs
    assert (run.layers["itop"] == run.layers["density"]).all()


def accuracy(model):
    data = load_dataset("digits")
    mean, deviation = data.standardisation()
    with torch.no_grad():
        predicted = model((data.test_x.to(torch.float32) - mean) / deviation).argmax(dim=1)
    return float((predicted == data.test_y).double().mean())


def test_checkpoints_reproduce_their_accuracy(chts, dense):
    for run in (chts, dense):
        accuracies = run.metrics["test_accuracy"]
        assert run.summary["best_accuracy"] == accuracies.max() == accuracy(run.load_model())
        assert run.summary["best_epoch"] == accuracies.idxmax() + 1
        assert run.summary["last_accuracy"] == accuracies.iloc[-1] == accuracy(run.load_model("last"))
        assert run.summary["seconds"] == pytest.approx(run.metrics["seconds"].sum())
        assert run.summary["complete"]
        assert run.is_complete
