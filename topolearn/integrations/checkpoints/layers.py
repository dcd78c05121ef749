"""Which weights of a checkpoint belong to layers, and which neurons these share."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from torch import nn

from topolearn.errors import CheckpointError
from topolearn.graph import BipartiteGraph
from topolearn.integrations.checkpoints.configured_model import CONFIG, configured_model, head_of
from topolearn.integrations.checkpoints.layer_names import blocks_by_name, kind_by_name, transposed_by_name
from topolearn.integrations.checkpoints.weight_files import WeightFiles
from topolearn.sparse import is_dense_linear, shape_of
from topolearn.sparse.conversion.dense_layers import is_conv1d


class CheckpointLayers(NamedTuple):
    """The layers of a checkpoint, by name and in order: all weights with two dimensions.

    Attributes
    ----------
    keys : dict of str to str
        The name of each layer's weight.
    kinds : dict of str to str
        "layer", "embedding" or "head".
    model : torch.nn.Module
        A model without weights that declares the neuron groups; empty if nothing is known.
    modules : dict of str to torch.nn.Module
        The linear layers of that model.
    transposed : frozenset of str
        Layers that are not of that model, whose names and shapes say that they are transposed.
    """

    keys: dict[str, str]
    kinds: dict[str, str]
    model: nn.Module
    modules: Mapping[str, nn.Module]
    transposed: frozenset[str] = frozenset()

    def is_transposed(self, name: str) -> bool:
        """Return whether the weight of a layer has the shape (n_in, n_out), as in GPT-2."""
        return is_conv1d(self.modules[name]) if name in self.modules else name in self.transposed

    def check(self, name: str, graph: BipartiteGraph) -> None:
        """Raise if the graph and the layer of the model have different shapes.

        Raises
        ------
        CheckpointError
        """
        if name in self.modules and graph.shape != shape_of(self.modules[name]):
            raise CheckpointError(
                f"layer {name!r} has {graph.shape} outputs and inputs, but {shape_of(self.modules[name])} in {CONFIG}: "
                "give weights and configuration of the same model, or n_heads= to identify layers by name"
            )


def layers_of(weights: WeightFiles, folder: Path, n_heads: int | None) -> CheckpointLayers:
    """Return the layers of a checkpoint, identified by the configuration in its folder or by their names.

    Raises
    ------
    CorruptFileError, MissingPackageError, InvalidValueError
        See `configured_model` and `blocks_by_name`.
    """
    keys = {
        key.removesuffix(".weight"): key
        for key, stored in weights.stored.items()
        if key.endswith("weight") and stored.is_float and len(stored.shape) == 2
    }
    by_name = {name: kind_by_name(name) for name in keys}
    if n_heads is not None:
        shapes = {name: _pair(weights, keys[name]) for name, kind in by_name.items() if kind == "layer"}
        return CheckpointLayers(keys, by_name, *blocks_by_name(shapes, weights.stored, n_heads))
    model = configured_model(folder)
    known = CheckpointLayers(keys, by_name, nn.Module(), {}) if model is None else _by_model(keys, by_name, model)
    return known._replace(transposed=transposed_by_name({name: _pair(weights, key) for name, key in keys.items()}))


def _by_model(keys: dict[str, str], by_name: dict[str, str], model: nn.Module) -> CheckpointLayers:
    """Return the layers in the order of a model, which determines their kinds; layers not in it come last."""
    base = f"{getattr(model, 'base_model_prefix', '')}."  # weights may be saved with or without a head
    places = {path: place for place, (path, _) in enumerate(model.named_modules())}
    at = {name: next((p for p in (name, base + name, name.removeprefix(base)) if p in places), None) for name in keys}
    ordered = sorted(keys, key=lambda name: len(places) if (path := at[name]) is None else places[path])
    kinds, modules, head = dict[str, str](), dict[str, nn.Module](), head_of(model)
    for name in ordered:
        path = at[name]
        module = None if path is None else model.get_submodule(path)
        kinds[name] = by_name[name]
        if isinstance(module, nn.Embedding):
            kinds[name] = "embedding"
        elif module is not None and is_dense_linear(module):
            modules[name], kinds[name] = module, "head" if module is head else "layer"
    if not modules:
        warnings.warn(
            f"no weight belongs to a layer of {type(model).__name__}, the model in {CONFIG}, so layers have no groups: "
            "give n_heads= to identify them by name",
            stacklevel=5,
        )
    return CheckpointLayers({name: keys[name] for name in ordered}, kinds, model, modules)


def _pair(weights: WeightFiles, key: str) -> tuple[int, int]:
    n_out, n_in = weights.stored[key].shape
    return n_out, n_in
