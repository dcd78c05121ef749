"""The state of a scheduler as one table: what it says of the run, and what of each layer.

`state_of`, `check_state` and the checkpoints of a training read the same rows.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from topolearn.distributed import ShardedLinear
from topolearn.errors import CheckpointError
from topolearn.evolution.ages import LinkAges
from topolearn.evolution.methods import HISTORY
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.sharded.state import state_of_shards
from topolearn.sparse import SparseLinear, StoredLinear

OF_RUN = ("n_steps", "n_updates", "last_update_step", "seed", "converged")  # attributes of the scheduler


class Row(NamedTuple):
    """What the state says of each layer under one key.

    Attributes
    ----------
    read : callable
        From a layer and the ages of its links to the value.
    holds : {"shape", "cells", "any_cells", "of_links", "of_cells", "of_former"}
        A plain shape; or a tensor, of sorted cells, or such that may be none, or with a number for each link, cell or
        former link.
    is_needed : callable
        Whether the state of a kind of method has it.
    """

    read: Callable[[SparseLinear, LinkAges], Any]
    holds: Literal["shape", "cells", "any_cells", "of_links", "of_cells", "of_former"]
    is_needed: Callable[[Ordinary], bool] = lambda kind: True

    @property
    def is_cells(self) -> bool:
        """Whether it is a list of cells."""
        return self.holds in ("cells", "any_cells")


def _stored(layer: SparseLinear, ages: LinkAges) -> Tensor:
    assert isinstance(layer, StoredLinear)
    return layer.latest_values().cpu()


def _trained(layer: SparseLinear, ages: LinkAges) -> Tensor:
    assert isinstance(layer, StoredLinear)
    return layer.trained_mask.flatten().nonzero().squeeze(1).cpu()


def _former(layer: SparseLinear, ages: LinkAges) -> tuple[Tensor, Tensor]:
    assert ages.former is not None
    return ages.former.of_others(layer.cells())


def _remembers(kind: Ordinary) -> bool:
    return kind.method.regrown == HISTORY


OF_LAYERS: dict[str, Row] = {
    "shapes": Row(lambda layer, ages: layer.shape, "shape"),
    "links": Row(lambda layer, ages: layer.cells().to("cpu", copy=True), "cells"),
    "born": Row(lambda layer, ages: ages.born(), "of_links"),
    "explored": Row(lambda layer, ages: ages.explored(), "cells"),
    "stored": Row(_stored, "of_cells", lambda kind: kind.method.remembers_all),
    "trained": Row(_trained, "cells", lambda kind: kind.reselects),
    "former": Row(lambda layer, ages: _former(layer, ages)[0], "any_cells", _remembers),
    "former_values": Row(lambda layer, ages: _former(layer, ages)[1], "of_former", _remembers),
}
TENSORS = tuple(key for key, row in OF_LAYERS.items() if row.holds != "shape")


def rows_of(kind: Ordinary) -> dict[str, Row]:
    """Return the rows that the state of a kind of method has.

    Examples
    --------
    >>> from topolearn.evolution import METHODS
    >>> list(rows_of(Ordinary(METHODS["gmp"])))
    ['shapes', 'links', 'born', 'explored', 'stored']
    """
    return {key: row for key, row in OF_LAYERS.items() if row.is_needed(kind)}


def state_of(layers: Layers, ages: Mapping[str, LinkAges], kind: Ordinary) -> dict[str, Any]:
    """Return what the state says of the layers: under each key, a value for each layer."""
    if any(isinstance(layer, ShardedLinear) for layer in layers.values()):
        return state_of_shards(layers, ages, kind)
    return {
        key: {name: row.read(layer, ages[name]) for name, layer in layers.items()} for key, row in rows_of(kind).items()
    }


def check_state(state: Mapping[str, Any], layers: Layers, kind: Ordinary) -> None:
    """Refuse the state of another scheduler, or a part of one.

    Raises
    ------
    CheckpointError
    """
    rows = rows_of(kind)
    for key in (*OF_RUN, *rows):
        if key not in state:
            raise CheckpointError(f"the topology state has no {key!r}: it is not a TopologyScheduler's state")
    _check_of_run(state)
    for key in ("converged", *rows):
        if not isinstance(state[key], Mapping) or set(state[key]) != set(layers):
            raise CheckpointError(
                f"{key!r} of the topology state is of layers {_listed(state[key])}; the model has {', '.join(layers)}"
            )
    for name, layer in layers.items():
        shape = state["shapes"][name]
        shape = tuple(shape) if isinstance(shape, Sequence) else shape
        if shape != layer.shape:
            raise CheckpointError(
                f"layer {name!r} is {shape} in the topology state and {layer.shape} in the model: "
                "build the model with the sizes that it was trained with"
            )
        _check_tensors(name, {key: state[key][name] for key in rows}, layer.in_features * layer.out_features)


def check_cells(state: Mapping[str, Any], layers: Layers) -> None:
    """Refuse links of other layers, for those who take no more than them from a state.

    Raises
    ------
    CheckpointError
    """
    for key in [key for key in ("links", "trained") if key in state]:
        if not isinstance(state[key], Mapping) or set(state[key]) != set(layers):
            raise CheckpointError(
                f"{key!r} of the topology state is of layers {_listed(state[key])}; the model has {', '.join(layers)}"
            )
    for name, layer in layers.items():
        rows = {key: state[key][name] for key in ("links", "trained") if key in state}
        if "links" not in rows:
            raise CheckpointError("the topology state has no 'links': it is not a TopologyScheduler's state")
        _check_tensors(name, rows, layer.in_features * layer.out_features)


def _check_of_run(state: Mapping[str, Any]) -> None:
    """Refuse numbers that no scheduler counts."""
    for key in ("n_steps", "n_updates", "last_update_step", "seed"):
        least = -1 if key == "last_update_step" else 0
        if type(state[key]) is not int or not least <= state[key] < 2**63:
            raise CheckpointError(f"{key!r} of the topology state is {state[key]!r:.40}, and must be a whole number")
    if state["last_update_step"] > state["n_steps"] or state["n_updates"] > max(state["n_steps"], 0):
        raise CheckpointError(
            f"the topology state has {state['n_updates']} updates, the last at step {state['last_update_step']}, "
            f"within {state['n_steps']} steps: they do not fit each other"
        )
    converged = state["converged"]
    if not isinstance(converged, Mapping) or not all(type(value) is bool for value in converged.values()):
        raise CheckpointError("'converged' of the topology state must be true or false for each layer")


def _listed(values: Any) -> str:
    return ", ".join(map(str, values)) if isinstance(values, Mapping) else repr(values)[:40]


def _check_tensors(name: str, values: Mapping[str, Any], n_cells: int) -> None:
    """Refuse lists of cells that are not sorted cells of a layer, and lists that do not fit them."""
    links = values["links"]
    rows = {key: OF_LAYERS[key] for key in values}
    for key in [key for key, row in rows.items() if row.is_cells]:
        cells, may_be_none = values[key], rows[key].holds == "any_cells"
        if not isinstance(cells, Tensor) or cells.dtype != torch.int64 or cells.dim() != 1:
            raise CheckpointError(f"{key!r} of layer {name!r} in the topology state is not a list of cells, as int64")
        if not len(cells) and may_be_none:
            continue
        if not len(cells) or int(cells.min()) < 0 or int(cells.max()) >= n_cells or bool((cells.diff() <= 0).any()):
            raise CheckpointError(f"{key!r} of layer {name!r} in the topology state are not cells of the layer, sorted")
    if "trained" in values and not bool(torch.isin(links, values["trained"]).all()):
        raise CheckpointError(f"'trained' of layer {name!r} in the topology state lacks some of its links")
    if "former" in values and bool(torch.isin(values["former"], links).any()):
        raise CheckpointError(f"'former' of layer {name!r} in the topology state has some of its present links")
    lengths = {"of_links": len(links), "of_cells": n_cells, "of_former": len(values.get("former", ()))}
    for key, row in rows.items():
        length = lengths.get(row.holds)
        if length is None:
            continue
        if not isinstance(values[key], Tensor) or tuple(values[key].shape) != (length,):
            n = len(values[key]) if isinstance(values[key], Tensor) and values[key].dim() else "no"
            raise CheckpointError(f"{key!r} of layer {name!r} in the topology state has {n} elements, not {length}")
    if "born" in values and values["born"].dtype != torch.int64:
        raise CheckpointError(f"'born' of layer {name!r} in the topology state is {values['born'].dtype}, not int64")
