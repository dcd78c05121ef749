"""A fake training run whose links drift towards a few good neurons, as they do in real runs."""

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from topolearn.diagnostics import closure
from topolearn.evolution import METHODS
from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.task_registry import TASKS

STEPS_PER_EPOCH = 45
NETWORK = ["n_links", "density", "active_neurons", "active_neurons_authors", "overlap"]


@dataclass
class FakeConfig:
    method: str = "chts"
    dataset: str = "digits"
    density: float = 0.05
    epochs: int = 10
    seed: int = 0
    hidden: tuple = (200, 200)
    batch_size: int = 32
    lr: float = 0.025
    device: str = "cpu"
    threads: int = 2
    optimizer: dict = field(default_factory=lambda: {"name": "sgd", "momentum": 0.9})

    def to_dict(self):
        return asdict(self)


class Events:
    """The links that a layer lost and gained, as cells."""

    def __init__(self, before, after):
        none = np.empty(0, dtype=np.int64)
        lost, grown = np.flatnonzero(before & ~after), np.flatnonzero(after & ~before)
        self.cells = {"decayed": none, "removed": lost, "percolated": none, "regrown": grown}


class FakeHistory:
    def __init__(self, states, rows):
        self._states = states  # step -> layer -> bool array
        self.steps = self.graph_steps = list(states)
        self.layers = list(states[0])
        columns = ["index", "step", "layer", "decayed", "removed", "percolated", "regrown", "overlap"]
        self.updates = pd.DataFrame(rows, columns=columns)

    @property
    def initial(self):
        return self.at(0)

    def __iter__(self):
        for before, after in pairwise(self._states.values()):
            yield {name: Events(before[name], after[name]) for name in before}

    def replay(self):
        return ((step, self.at(step)) for step in self.steps)

    def at(self, step):
        step = max(known for known in self.steps if known <= step)
        return {name: BipartiteGraph(adjacency) for name, adjacency in self._states[step].items()}


class FakeRun:
    def __init__(self, path, config, states, rows, accuracy):
        self.path, self.name, self.config = Path(path), Path(path).name, config
        self.environment = {"python": "3.11", "torch": "2.13", "host <here>": "a & b"}
        self.history = FakeHistory(states, rows)
        self.task, self.title, self.theta = TASKS["classification"], METHODS[config.method].title, 0.9
        self.schedulers, self.not_finite, self.outputs, self.inits = {}, {}, {}, {}
        self.layers = layer_table(self.history)
        self.metrics = metric_table(self.history, config, accuracy, self.layers)
        self.network = network_table(self.history, self.metrics)
        self.measures = measure_table(self.history)
        done = not self.metrics.empty
        last = self.metrics.iloc[-1] if done else None
        self.summary = {
            "best_accuracy": self.metrics["test_accuracy"].max() if done else None,
            "best_epoch": int(self.metrics["test_accuracy"].idxmax()) + 1 if done else None,
            "last_accuracy": last["test_accuracy"] if done else None,
            "seconds": 12.5,
            "n_links": int(last["n_links"]) if done else 0,
            "active_neurons": last["active_neurons"] if done else None,
            "n_updates": len(self.history.steps) - 1,
            "complete": done,
        }

    def topology_at(self, step=None):
        graphs = self.history.at(self.history.steps[-1] if step is None else step)
        meet = all(before.n_out == after.n_in for before, after in pairwise(graphs.values()))
        return LayeredNetwork(graphs, None if meet else ())


def fake_run(path, *, shapes=None, method="chts", density=0.05, epochs=10, updates=10, accuracy=0.97, seed=0):
    """Return a run of `updates` updates over layers of the given shapes (n_out, n_in); {} is dense."""
    shapes = {"fc1": (200, 64), "fc2": (200, 200), "fc3": (200, 200)} if shapes is None else shapes
    rng = np.random.default_rng(seed)
    state = {name: rng.permutation(n * m) < round(density * n * m) for name, (n, m) in shapes.items()}
    state = {name: flat.reshape(shapes[name]) for name, flat in state.items()}
    quality = {n: np.outer(rng.lognormal(0, 1.1, s[0]), rng.lognormal(0, 1.1, s[1])) for n, s in shapes.items()}
    states, rows = {0: state}, []
    for index in range(1, updates + 1):
        step = index * STEPS_PER_EPOCH * epochs // (updates + 1)
        new = {}
        for name, old in state.items():
            new[name], row = drift(old, quality[name] * rng.lognormal(0, 1.5 / index, old.shape), rng)
            rows.append((index, step, name, 0, *row))
        states[step] = state = new
    return FakeRun(path, FakeConfig(method, density=density, epochs=epochs), states, rows, accuracy)


def drift(old, score, rng):
    links = np.flatnonzero(old)
    removed = links[np.argsort(score.flat[links])[: round(0.3 * len(links))]]
    percolated = rng.permutation(np.setdiff1d(links, removed))[: len(links) // 100]
    gone = np.union1d(removed, percolated)
    kept = np.setdiff1d(links, gone)
    candidates = np.setdiff1d(np.arange(old.size), kept)
    order = np.argsort(-score.flat[candidates] * rng.lognormal(0, 0.7, len(candidates)))
    regrown = candidates[order[: len(gone)]]
    new = np.zeros(old.size, dtype=bool)
    new[np.union1d(kept, regrown)] = True
    return new.reshape(old.shape), (
        len(removed),
        len(percolated),
        len(regrown),
        np.isin(regrown, gone).mean(),
    )


def layer_table(history):
    rows = []
    explored = {name: np.zeros((g.n_out, g.n_in), dtype=bool) for name, g in history.at(0).items()}
    for index, step in enumerate(history.steps):
        for name, g in history.at(step).items():
            explored[name] |= g.to_scipy().toarray()
            done = history.updates[(history.updates["layer"] == name) & (history.updates["step"] <= step)]
            row = {
                "index": index, "step": step, "layer": name, "n_in": g.n_in, "n_out": g.n_out,
                "n_links": g.n_links, "density": g.density, "removed": done["removed"].sum(),
                "percolated": done["percolated"].sum(), "regrown": done["regrown"].sum(),
                "overlap": done["overlap"].iloc[-1] if len(done) else np.nan, "itop": explored[name].mean(),
                "active_inputs": int((g.fan_out > 0).sum()), "active_outputs": int((g.fan_in > 0).sum()),
            }  # fmt: skip
            for side, degrees in (("fan_in", g.fan_in), ("fan_out", g.fan_out)):
                for measure in ("min", "mean", "max", "std"):
                    row[f"{side}_{measure}"] = float(getattr(np, measure)(degrees))
            rows.append(row)
    return pd.DataFrame(rows)


def network_table(history, metrics):
    """Return the columns of the metrics that describe the network, including the start."""
    if metrics.empty:
        return pd.DataFrame(columns=["index", "step", *NETWORK])
    first = metrics.iloc[:1].assign(step=0)
    return pd.concat([first, metrics])[["step", *NETWORK]].reset_index(names="index")


def measure_table(history):
    rows = [
        {"index": i, "step": step, "layer": name, "closure": closure(g), "path_length": 3.0, "path_length_error": 0.1}
        for i, step in enumerate(history.steps)
        for name, g in history.at(step).items()
    ]
    return pd.DataFrame(rows, columns=["index", "step", "layer", "closure", "path_length", "path_length_error"])


def metric_table(history, config, accuracy, layers):
    epochs = np.arange(1, config.epochs + 1)
    rng = np.random.default_rng(config.seed)
    table = pd.DataFrame({"epoch": epochs, "step": epochs * STEPS_PER_EPOCH, "lr": config.lr})
    falling = np.exp(-epochs / 2.5)
    table["train_loss"] = 0.02 + 2 * falling
    table["train_accuracy"] = 1 - 0.5 * falling
    table["test_loss"] = 0.1 + 1.8 * falling
    table["test_accuracy"] = accuracy - 0.4 * falling + rng.normal(0, 0.003, len(epochs))
    table["n_links"] = int(layers[layers["index"] == 0]["n_links"].sum()) if len(layers) else 64 * 200
    table["density"] = config.density
    states = [layers[layers["step"] <= step].groupby("layer").last() for step in table["step"]] if len(layers) else []
    active = [state["active_outputs"].sum() / state["n_out"].sum() for state in states]
    table["active_neurons"] = 0.9 * np.array(active) if active else 1.0
    table["active_neurons_authors"] = table["active_neurons"]
    table["n_updates"] = [sum(0 < step <= at for step in history.steps) for at in table["step"]]
    table["overlap"] = np.nan
    table["seconds"] = 1.25
    return table
