"""`TopologyScheduler`: evolves the topology of a model between optimizer steps, in any PyTorch loop."""

import warnings
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from topolearn.errors import CheckpointError, InvalidTypeError, InvalidValueError
from topolearn.evolution.method import Method
from topolearn.evolution.optimizer_state import check_optimizer, follow_links
from topolearn.evolution.sparsify import initial_links
from topolearn.evolution.step import LayerLinks, evolve
from topolearn.evolution.table import method as find_method
from topolearn.evolution.update import TopologyUpdate
from topolearn.generators import check_size
from topolearn.sparse import neuron_groups, sparse_layers


class TopologyScheduler:
    """Evolves the sparse layers of a model: every ``interval`` steps links are removed and regrown.

    Call `step` after each ``optimizer.step()``, or `attach` it to the optimizer. After an update each layer has as
    many links as before; links that stay keep weight and optimizer state, new ones start at zero, removed ones leave
    nothing, and a link that is removed and regrown at once keeps both.

    Parameters
    ----------
    model : torch.nn.Module
        A model that `topolearn.sparsify` made sparse with the same method.
    optimizer : torch.optim.Optimizer
        SGD, Adam or AdamW; it must train the weights of all sparse layers.
    method : Method or str
        What to remove and regrow.
    total_steps : int
        Length of the training, in optimizer steps; schedules are stretched over it.
    interval : int
        Optimizer steps between two updates. There is none at the last step: new links need training.
    seed : int
        Fixes every draw.

    Attributes
    ----------
    n_steps, n_updates : int
        How often `step` was called, and how often it changed the topology.
    last_update : TopologyUpdate or None

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the model's links are not what the method starts with, or the optimizer does not fit.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> method = tl.method("chts", density=0.2)
    >>> model = tl.sparsify(model, method)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> topology = tl.TopologyScheduler(model, optimizer, method, total_steps=10, interval=5)
    >>> for _ in range(10):
    ...     loss = model(torch.ones(4, 16)).square().mean()
    ...     loss.backward()
    ...     optimizer.step()
    ...     update = topology.step()  # a TopologyUpdate when the topology changed, else None
    ...     optimizer.zero_grad()
    >>> topology.last_update
    TopologyUpdate(1 at step 5: 30 removed, 30 regrown)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        method: Method | str,
        *,
        total_steps: int,
        interval: int,
        seed: int = 0,
    ) -> None:
        self.method = find_method(method) if isinstance(method, str) else method
        if not isinstance(self.method, Method):
            raise InvalidTypeError(f"method must be a Method or the name of one, not {type(method).__name__}")
        self.total_steps = check_size("total_steps", total_steps)
        self.interval = check_size("interval", interval)
        self.seed = int(seed)
        self.optimizer = optimizer
        self.layers = sparse_layers(model)
        self._check_links()
        check_optimizer(optimizer, self.layers.items())
        self.groups = neuron_groups(model)
        if self.method.percolation and len(self.layers) > 1 and not self.groups:
            warnings.warn(
                f"no neuron groups were found between the layers {', '.join(self.layers)}, so nothing percolates: "
                "put the layers into one nn.Sequential",
                stacklevel=2,
            )
        self.n_steps = 0
        self.n_updates = 0
        self.last_update: TopologyUpdate | None = None

    @property
    def is_due(self) -> bool:
        """Whether the step that was counted last is one of those at which the topology changes."""
        before_stop = self.n_steps < self.method.stop_fraction * self.total_steps
        return self.method.evolves and before_stop and self.n_steps % self.interval == 0

    def step(self) -> TopologyUpdate | None:
        """Count one optimizer step; change the topology if it is due.

        Returns
        -------
        TopologyUpdate or None
            What changed, or None when no update was due.

        Raises
        ------
        InvalidValueError
            When a weight is NaN at an update; the model is left as it is.
        """
        self.n_steps += 1
        if not self.is_due:
            return None
        links = {name: LayerLinks(x.cells(), x.link_values(), x.shape) for name, x in self.layers.items()}
        for name, layer in links.items():
            if not bool(torch.isfinite(layer.values).all()):
                raise InvalidValueError(
                    f"layer {name!r} has a weight that is not finite at step {self.n_steps}: lower the learning rate"
                )
        cells, updates = evolve(
            links,
            self.groups,
            self.method,
            progress=self.n_steps / (self.method.stop_fraction * self.total_steps),
            seed=self.seed,
            index=self.n_updates + 1,
        )
        for name, sparse in self.layers.items():
            follow_links(self.optimizer, sparse.link_parameter, sparse.set_links(cells[name]))
        self.n_updates += 1
        self.last_update = TopologyUpdate(self.n_steps, self.n_updates, updates)
        return self.last_update

    def state_dict(self) -> dict[str, Any]:
        """Return the state: counters, seed, and the links of each layer as flat positions with their shape."""
        return {
            "n_steps": self.n_steps,
            "n_updates": self.n_updates,
            "seed": self.seed,
            "links": {name: layer.cells().cpu() for name, layer in self.layers.items()},
            "shapes": {name: layer.shape for name, layer in self.layers.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state; weights off its links become zero, so load the model's weights after it.

        Raises
        ------
        CheckpointError
            When a layer is missing, unknown, or of another shape; nothing is changed then.
        """
        for key in ("n_steps", "n_updates", "seed", "links", "shapes"):
            if key not in state:
                raise CheckpointError(f"the topology state has no {key!r}: it is not a TopologyScheduler's state")
        if set(state["links"]) != set(self.layers):
            raise CheckpointError(
                f"the topology state is of layers {', '.join(state['links'])}; the model has {', '.join(self.layers)}"
            )
        for name, layer in self.layers.items():
            found, expected = tuple(state["shapes"][name]), layer.shape
            if found != expected:
                raise CheckpointError(
                    f"layer {name!r} is {found} in the topology state and {expected} in the model: "
                    "build the model with the sizes that it was trained with"
                )
            cells = state["links"][name]
            if not len(cells) or int(cells.min()) < 0 or int(cells.max()) >= layer.in_features * layer.out_features:
                raise CheckpointError(f"the links of layer {name!r} in the topology state are not cells of the layer")
        for name, layer in self.layers.items():
            follow_links(self.optimizer, layer.link_parameter, layer.set_links(state["links"][name]))
        self.n_steps, self.n_updates, self.seed = state["n_steps"], state["n_updates"], state["seed"]

    def _check_links(self) -> None:
        if self.method.is_dense and self.layers:
            raise InvalidValueError(f"method {self.method.name!r} is dense, but the model has sparse layers")
        if not self.method.is_dense and not self.layers:
            raise InvalidValueError(
                f"the model has no sparse layer for method {self.method.name!r}: call sparsify(model, method) first"
            )
        if not self.layers:
            return
        sizes = {name: (layer.in_features, layer.out_features) for name, layer in self.layers.items()}
        expected = initial_links(sizes, self.method)
        for name, layer in self.layers.items():
            if layer.n_links != expected[name]:
                raise InvalidValueError(
                    f"layer {name!r} has {layer.n_links} links, but method {self.method.name!r} at density "
                    f"{self.method.density} starts with {expected[name]}: sparsify the model with this very method"
                )


def attach(optimizer: Optimizer, topology: TopologyScheduler) -> RemovableHandle:
    """Let the optimizer call ``topology.step()`` after each of its own steps.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The one that ``topology`` was made with.
    topology : TopologyScheduler

    Returns
    -------
    torch.utils.hooks.RemovableHandle
        ``handle.remove()`` undoes it. The latest update is in ``topology.last_update``.

    Raises
    ------
    InvalidValueError
        When ``topology`` belongs to another optimizer.
    """
    if topology.optimizer is not optimizer:
        raise InvalidValueError("the topology scheduler was made with another optimizer: attach it to that one")

    def evolve_topology(*_: Any) -> None:
        topology.step()

    return optimizer.register_step_post_hook(evolve_topology)
