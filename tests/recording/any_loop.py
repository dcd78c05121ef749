"""A custom loop in plain PyTorch, small and deterministic, which tests record, stop and continue."""

import copy

import torch
from torch import nn

import topolearn as tl

STEPS, INTERVAL = 40, 4


class Loop:
    """Model, optimizer, scheduler and data, built the same way each time."""

    def __init__(self, method="chts", steps=STEPS, interval=INTERVAL, seed=0, wrap=lambda model: model, **parts):
        torch.manual_seed(seed)
        self.x, self.y = torch.randn(64, 12), torch.randint(0, 3, (64,))
        model = wrap(nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 3)))
        dense = tl.method(method).is_dense
        self.method = tl.method(method, **({} if dense else {"density": 0.25, **parts}))
        self.model = tl.sparsify(model, self.method, backend="masked", seed=seed)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.topology = tl.TopologyScheduler(
            self.model, self.optimizer, self.method, total_steps=steps, interval=interval, seed=seed
        )

    def step(self):
        """Take one step, and return the loss."""
        loss = nn.functional.cross_entropy(self.model(self.x), self.y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.topology.step()
        return loss.item()

    def run(self, recorder, until=STEPS, save=None):
        """Take the remaining steps up to one, log each, and save a checkpoint after each if requested."""
        for _ in range(self.topology.n_steps, until):
            recorder.log(loss=self.step())
            if save is not None:
                torch.save(self.state(), save)

    def state(self):
        """Return the state for a checkpoint."""
        parts = {"topology": self.topology, "model": self.model, "optimizer": self.optimizer}
        return copy.deepcopy({name: part.state_dict() for name, part in parts.items()})

    def load(self, state):
        """Restore a checkpoint."""
        self.topology.load_state_dict(state["topology"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def files(path):
    """Return the content of a run, without pictures and times: tables as text, the history as links."""
    run = tl.Run(path)
    texts = [path / f"{name}.csv" for name in ("metrics", "layers", "network", "measures")]
    return {
        "tables": {file.name: file.read_text() for file in texts if file.is_file()},
        "graphs": {step: run.history.at(step) for step in run.history.graph_steps},
        "events": [run.history.events(name).to_csv() for name in run.history.layers if run.history.kept == "full"],
        "updates": run.history.updates.to_csv(),
        "summary": {name: value for name, value in run.summary.items() if name != "seconds"},
        "config": run.config,
    }
