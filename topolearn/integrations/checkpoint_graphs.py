"""`from_checkpoint`: the topology of the weights in any checkpoint."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.starting.short_names import shortened
from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.integrations.checkpoints.hub import fetched, is_hub_name
from topolearn.integrations.checkpoints.layers import CheckpointLayers, layers_of
from topolearn.integrations.checkpoints.saved_links import SavedLinks
from topolearn.integrations.checkpoints.weight_files import WeightFiles, files_of
from topolearn.read_errors import reading
from topolearn.sparse import neuron_groups

NOT_ASKED_FOR = "not asked for"


class CheckpointGraphs(NamedTuple):
    """The network of a checkpoint, and the reasons why other weights with two or more dimensions are left out."""

    network: LayeredNetwork
    left_out: Mapping[str, str]


def from_checkpoint(
    path: str | Path, *, n_heads: int | None = None, layers: Sequence[str] | None = None
) -> LayeredNetwork:
    """Return the topology of the weights in a checkpoint: cells that are exactly zero are not links.

    Weights of any floating-point type are read one at a time. If topolearn has saved links with them, these are used,
    whether their weights are zero or not.

    Neuron groups are determined as in `topolearn.topology_of` if there is a ``config.json`` of transformers next to the
    weights. Otherwise, if `n_heads` is given, they are derived from the layer names ``q_proj``, ``k_proj``, ``v_proj``,
    ``o_proj`` (or ``out_proj``) and ``gate_proj``, ``up_proj``, ``down_proj``. Otherwise there are no groups, and
    nothing percolates.

    Parameters
    ----------
    path : str or Path
        A ``.safetensors`` file, an index of several, or a folder of these; or the name of a model on the Hugging Face
        hub, which is fetched into the cache of huggingface_hub.
    n_heads : int, optional
        Number of attention heads. If given, layers are identified by name, as in LLaMA, and no ``config.json`` is read;
        there may be fewer heads of keys and values.
    layers : sequence of str, optional
        Patterns of the layer names to include, such as ``["model.layers.0.*"]``, whatever kind of layer they match. By
        default all layers with a zero, except embeddings and the head.

    Returns
    -------
    LayeredNetwork
        Layers are named after their weights, without ``.weight``.

    Raises
    ------
    MissingFileError, DownloadError, MissingPackageError
        When there are no such files, no network, or a package of ``topolearn[hf]`` is missing.
    CorruptFileError, CheckpointError, InvalidTypeError, InvalidValueError
        When a file is cut off or pickled (pickles are never opened), weights and configuration belong to different
        models, the heads do not fit, a pattern matches nothing, or no weight has a zero.

    Examples
    --------
    >>> import tempfile, torch, topolearn as tl
    >>> from safetensors.torch import save_file
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> save_file({"fc1.weight": torch.eye(3, 4), "fc2.weight": torch.ones(2, 3)}, path)
    >>> tl.from_checkpoint(path)
    LayeredNetwork(1 layers, 7 neurons, 3 links, density 25.00%: fc1 4 x 3)
    >>> tl.from_checkpoint(path, layers=["fc*"])["fc2"].n_links
    6
    """
    return read_checkpoint(path, n_heads=n_heads, layers=layers).network


def read_checkpoint(
    path: str | Path, *, n_heads: int | None = None, layers: Sequence[str] | None = None
) -> CheckpointGraphs:
    """Return the network of a checkpoint, and what is left out; see `from_checkpoint`."""
    if isinstance(layers, str):
        raise InvalidTypeError(f"layers={layers!r} must be a list of patterns: use [{layers!r}]")
    if layers is not None and not len(layers):
        raise InvalidValueError(f"layers={layers!r} has no pattern: give some, or omit it for all layers with a zero")
    files = files_of(_local(path))
    weights, folder = WeightFiles(files), files[0].parent
    with reading(path, "a checkpoint with weights", "fetch it again"):
        saved, known = SavedLinks(weights, folder), layers_of(weights, folder, n_heads)
    if not known.keys:
        there = shortened([f"{name} ({each.dtype}{list(each.shape)})" for name, each in weights.stored.items()])
        raise InvalidValueError(f"{path} has no floating-point weight with two dimensions, only {there or 'none'}")
    graphs, left_out = dict[str, BipartiteGraph](), dict[str, str]()
    asked = None if layers is None else _matched(known.keys, layers)
    for name, kind in known.kinds.items():
        graph, why = None, kind if asked is None else NOT_ASKED_FOR
        if name in saved and (asked is None or name in asked):
            graph = saved.graph(name)
        elif asked is None and kind == "layer":
            graph, why = _sparse_graph(weights.read(known.keys[name]), known, name), "dense"
        elif asked is not None and name in asked:
            graph = _graph(weights.read(known.keys[name]), known, name)
        if graph is None:
            left_out[name] = why
        else:
            known.check(name, graph)
            graphs[name] = graph
    if not graphs:
        names = shortened(known.keys)
        raise InvalidValueError(f"no layer of {path} has a zero ({names}): use layers=['*'] to include dense layers")
    groups = neuron_groups(known.model, {name: known.modules[name] for name in graphs if name in known.modules})
    return CheckpointGraphs(LayeredNetwork(graphs, groups), left_out | _other_weights(weights))


def _local(path: str | Path) -> Path:
    """Return the path if it exists, or else the path of the hub model with this name."""
    local = Path(path).expanduser()
    return fetched(str(path)) if not local.exists() and is_hub_name(str(path)) else local


def _matched(names: Iterable[str], patterns: Sequence[str]) -> set[str]:
    matched: set[str] = set()
    for pattern in patterns:
        hit = set(fnmatch.filter(names, pattern))
        if not hit:
            raise InvalidValueError(f"pattern {pattern!r} of layers= matches none of {shortened(names)}")
        matched |= hit
    return matched


def _graph(weight: Tensor, known: CheckpointLayers, name: str) -> BipartiteGraph:
    if weight.element_size() == 1:  # torch supports few operations on float8
        weight = weight.to(torch.float16)
    try:
        return BipartiteGraph(weight.t() if known.is_transposed(name) else weight)
    except InvalidValueError as error:
        raise InvalidValueError(f"layer {name!r}: {error}") from None


def _sparse_graph(weight: Tensor, known: CheckpointLayers, name: str) -> BipartiteGraph | None:
    is_dense = weight.numel() > 0 and bool((weight != 0).all())
    return None if is_dense else _graph(weight, known, name)


def _other_weights(weights: WeightFiles) -> dict[str, str]:
    """Return quantised weights, and tensors with more dimensions, which may combine several layers, such as experts."""
    left_out = {}
    for name, stored in weights.stored.items():
        n = len(stored.shape)
        if stored.is_float and n > 2:
            left_out[name] = f"{n} dimensions"
        elif not stored.is_float and n == 2 and name.endswith("weight"):
            left_out[name.removesuffix(".weight")] = f"not floating point: {stored.dtype}"
    return left_out
