"""Checkpoints with the weights of the dense architecture: how a sparse model writes and reads them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from topolearn.errors import CheckpointError
from topolearn.evolution import Method, TopologyScheduler
from topolearn.integrations.checkpoints.topology_file import read_topology
from topolearn.sparse import SparseLinear, StoredLinear, as_dense, sparse_layers


@contextmanager
def dense_while_saved(model: nn.Module) -> Iterator[None]:
    """Let ``model.state_dict()`` return the state of the dense architecture within a block, with a hook.

    Examples
    --------
    >>> import topolearn as tl
    >>> model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), "set", backend="csr")
    >>> with dense_while_saved(model):
    ...     list(model.state_dict())
    ['0.weight', '0.bias', '1.weight', '1.bias']
    >>> list(model.state_dict())[:3]
    ['0.values', '0.bias', '0.crow']
    """
    handle = model.register_state_dict_post_hook(_make_dense)
    try:
        yield
    finally:
        handle.remove()


def _make_dense(model: nn.Module, state: dict[str, Tensor], prefix: str, _: Any) -> None:
    dense = as_dense(model, {key.removeprefix(prefix): tensor for key, tensor in state.items()})
    state.clear()
    state.update({f"{prefix}{key}": tensor for key, tensor in dense.items()})


def take_links(layers: Mapping[str, SparseLinear], state: Mapping[str, Any]) -> None:
    """Give layers the links in a topology's state, so that weights that are zero off these can be loaded."""
    for name, layer in layers.items():
        if isinstance(layer, StoredLinear):
            layer.set_links(state["links"][name], state.get("trained", {}).get(name))
        else:
            layer.set_links(state["links"][name])


def state_to_save(topology: TopologyScheduler | None, model: nn.Module) -> dict[str, Any]:
    """Return the state of the scheduler, or if there is none yet, the links of the model."""
    if topology is not None:
        return topology.state_dict()
    layers = sparse_layers(model)
    return {
        "shapes": {name: layer.shape for name, layer in layers.items()},
        "links": {name: layer.cells() for name, layer in layers.items()},
    }


def read_state(folder: str | Path, method: Method) -> dict[str, Any]:
    """Return the scheduler's state in a checkpoint.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError
        When the checkpoint has none, or belongs to another method.
    """
    state, about = read_topology(folder)
    if about.get("method") != method.name:
        raise CheckpointError(
            f"{folder} was trained with method {about.get('method')!r}, and this trainer is attached with "
            f"{method.name!r}: attach with the same method, as links and schedule continue from the checkpoint"
        )
    return state
