"""The state of a scheduler as one table: the entries of the run, and those of each layer.

`state_of`, `check_state` and training checkpoints use the same rows.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from topolearn.distributed import ShardedLinear
from topolearn.errors import CheckpointError
from topolearn.evolution.methods import HISTORY
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.per_link.ages import LinkAges
from topolearn.evolution.sharded.state import state_of_shards
from topolearn.sparse import SparseLinear, StoredLinear

OF_RUN = ("n_steps", "n_updates", "last_update_step", "seed", "converged")  # attributes of the scheduler

DENSITY = "density"  # of the method; states of former versions do not have it


class Row(NamedTuple):
    """The entry of each layer under one key of the state.

    Attributes
    ----------
    read : callable
        Maps a layer and the ages of its links to the value.
    holds : {"shape", "cells", "any_cells", "of_links", "of_cells", "of_former"}
        A plain shape, or a tensor: of sorted cells, of sorted cells that may be empty, or with a number for each link,
        cell or former link.
    is_needed : callable
        Whether the state of a kind of method has this row.
    """

    read: Callable[[SparseLinear, LinkAges], Any]
    holds: Literal["shape", "cells", "any_cells", "of_links", "of_cells", "of_former"]
    is_needed: Callable[[Ordinary], bool] = lambda kind: True

    @property
    def is_cells(self) -> bool:
        """Whether the value is a list of cells."""
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
    """Return the state of the layers: under each key, a value for each layer."""
    if any(isinstance(layer, ShardedLinear) for layer in layers.values()):
        return state_of_shards(layers, ages, kind)
    return {
        key: {name: row.read(layer, ages[name]) for name, layer in layers.items()} for key, row in rows_of(kind).items()
    }


def check_state(state: Mapping[str, Any], layers: Layers, kind: Ordinary) -> None:
    """Check that a state is complete and fits the layers.

    Raises
    ------
    CheckpointError
    """
    rows = rows_of(kind)
    for key in (*OF_RUN, *rows):
        if key not in state:
            raise CheckpointError(
                f"the topology state has no {key!r}: use the state_dict() of a TopologyScheduler with the same method"
            )
    _check_of_run(state)
    if state.get(DENSITY, kind.method.density) != kind.method.density:
        raise CheckpointError(
            f"the topology state is of a training at density {state[DENSITY]}, but this method has density "
            f"{kind.method.density:g}: use a TopologyScheduler with density={state[DENSITY]}"
        )
    for key in ("converged", *rows):
        _check_layers(key, state, layers)
    for name, layer in layers.items():
        shape = state["shapes"][name]
        shape = tuple(shape) if isinstance(shape, Sequence) else shape
        if shape != layer.shape:
            raise CheckpointError(
                f"layer {name!r} has shape {shape} in the topology state but {layer.shape} in the model: "
                "build the model with the sizes that it was trained with"
            )
        _check_tensors(name, {key: state[key][name] for key in rows}, layer.in_features * layer.out_features)


def check_cells(state: Mapping[str, Any], layers: Layers) -> None:
    """Check the links in a state, for callers that need nothing else of it.

    Raises
    ------
    CheckpointError
    """
    for key in [key for key in ("links", "trained") if key in state]:
        _check_layers(key, state, layers)
    for name, layer in layers.items():
        rows = {key: state[key][name] for key in ("links", "trained") if key in state}
        if "links" not in rows:
            raise CheckpointError("the topology state has no 'links': use the state_dict() of a TopologyScheduler")
        _check_tensors(name, rows, layer.in_features * layer.out_features)


def _check_of_run(state: Mapping[str, Any]) -> None:
    """Check the counters of the run."""
    for key in ("n_steps", "n_updates", "last_update_step", "seed"):
        least = -1 if key == "last_update_step" else 0
        if type(state[key]) is not int or not least <= state[key] < 2**63:
            raise CheckpointError(f"{key!r} in the topology state is {state[key]!r:.40}, not an int >= {least}")
    if state["last_update_step"] > state["n_steps"] or state["n_updates"] > max(state["n_steps"], 0):
        raise CheckpointError(
            f"the topology state is inconsistent: it has {state['n_updates']} updates, the last at step "
            f"{state['last_update_step']}, but only {state['n_steps']} steps"
        )
    converged = state["converged"]
    if not isinstance(converged, Mapping) or not all(type(value) is bool for value in converged.values()):
        raise CheckpointError("'converged' in the topology state must be True or False for each layer")


def _check_layers(key: str, state: Mapping[str, Any], layers: Layers) -> None:
    """Check that an entry has a value for each layer."""
    if not isinstance(state[key], Mapping) or set(state[key]) != set(layers):
        raise CheckpointError(
            f"{key!r} in the topology state has layers {_listed(state[key])}, but the model has {', '.join(layers)}"
        )


def _listed(values: Any) -> str:
    return ", ".join(map(str, values)) if isinstance(values, Mapping) else repr(values)[:40]


def _check_tensors(name: str, values: Mapping[str, Any], n_cells: int) -> None:
    """Check that lists of cells are sorted cells of the layer, and that the other lists match them."""
    links = values["links"]
    rows = {key: OF_LAYERS[key] for key in values}
    for key in [key for key, row in rows.items() if row.is_cells]:
        cells, may_be_none = values[key], rows[key].holds == "any_cells"
        if not isinstance(cells, Tensor) or cells.dtype != torch.int64 or cells.dim() != 1:
            raise CheckpointError(f"{key!r} of layer {name!r} in the topology state must be a 1-D int64 tensor")
        if not len(cells) and may_be_none:
            continue
        if not len(cells) or int(cells.min()) < 0 or int(cells.max()) >= n_cells or bool((cells.diff() <= 0).any()):
            raise CheckpointError(f"{key!r} of layer {name!r} in the topology state must be sorted cells of the layer")
    if "trained" in values and not bool(torch.isin(links, values["trained"]).all()):
        raise CheckpointError(f"'trained' of layer {name!r} in the topology state lacks some of its links")
    if "former" in values and bool(torch.isin(values["former"], links).any()):
        raise CheckpointError(f"'former' of layer {name!r} in the topology state contains current links")
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
