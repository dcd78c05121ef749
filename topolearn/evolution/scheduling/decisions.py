"""What the ranks that train one model must agree on, as text: everything that determines its links."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from torch import Tensor

from topolearn.distributed import ShardedStored
from topolearn.evolution.scheduling.state import OF_RUN
from topolearn.sparse import StoredLinear

if TYPE_CHECKING:
    from topolearn.evolution.scheduling.scheduler import TopologyScheduler


def decisions(topology: TopologyScheduler) -> dict[str, str]:
    """Return everything that determines the links of a model from now on, as text by name.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Linear(6, 2)), "set")
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> facts = decisions(tl.TopologyScheduler(model, optimizer, "set", total_steps=10, interval=2, seed=3))
    >>> facts["seed"], facts["method.zeta"], facts["layers"], facts["shape of layer '0'"]
    ('3', '0.3', '0', '(6, 8)')
    """
    facts = {key: repr(getattr(topology, key)) for key in ("interval", "total_steps", *OF_RUN)}
    fields = topology.method.to_dict()
    facts["method"] = repr(fields.pop("name"))
    facts |= {f"method.{field}": repr(value) for field, value in fields.items()}
    facts["neuron groups"] = repr(topology.groups)
    facts["layers"] = ", ".join(topology.layers)  # their order matters: ranks average gradients in it
    for name, layer in topology.layers.items():
        facts[f"shape of layer {name!r}"] = repr(layer.shape)
        facts[f"links of layer {name!r}"] = _summary(layer.cells())
        facts[f"whether layer {name!r} trains"] = repr(layer.link_parameter.requires_grad)
        if isinstance(layer, ShardedStored):  # each rank only knows the trained cells of its own rows
            facts[f"number of trained cells of layer {name!r}"] = repr(layer.n_trained)
        elif isinstance(layer, StoredLinear) and layer.trained is not None:
            facts[f"trained cells of layer {name!r}"] = _summary(layer.trained.flatten().nonzero().squeeze(1))
    return facts


def _summary(cells: Tensor) -> str:
    """Return the number of cells and a hash of them."""
    return f"{cells.numel()} with hash {hashlib.sha256(cells.cpu().numpy().tobytes()).hexdigest()[:16]}"
