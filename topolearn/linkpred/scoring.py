"""Compute the scores of all non-links: choose the form, the device and the precision."""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import Tensor

from topolearn.devices import device_here, device_named
from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.door import reject_unclear
from topolearn.graph.one_mode.graph import Graph, one_mode
from topolearn.linkpred.compiled import compiled_scores, one_mode_scores, prepare
from topolearn.linkpred.dense import as_mask, dense_scores
from topolearn.linkpred.dense.device import check_dtype
from topolearn.linkpred.form_names import AUTO, DENSE, FORMS, SPARSE
from topolearn.linkpred.memory import check_memory, compiled_bytes, dense_bytes
from topolearn.linkpred.predictor import LinkPredictor

Known = BipartiteGraph | Graph
Scorable = object  # BipartiteGraph, scipy or numpy matrix, torch tensor, networkx or igraph graph


def scores_of(
    graph: Scorable,
    predictor: LinkPredictor,
    *,
    form: str = "auto",
    device: torch.device | str | None = None,
    dtype: torch.dtype | np.dtype | str | None = None,
) -> np.ndarray | Tensor:
    """Score all non-links of any graph with a `LinkPredictor`; see `topolearn.linkpred.score`."""
    check_form(form)
    number = check_dtype(dtype)
    nodes = one_mode(graph)
    if nodes is not None:
        reject_for_one_mode(form, device)
        check_memory(nodes.n_nodes**2 * number.itemsize, torch.device("cpu"), nodes.shape)
        return one_mode_scores(nodes, predictor, number)
    if isinstance(graph, Tensor) and graph.dim() == 3:
        return _of_layers(graph, predictor, form, device, number)
    place = device_of(graph, device)
    reject_compiled_on(place, form)
    reject_unclear(graph)
    scores = _of_sides(two_sided(graph), predictor, form, place, number)
    return scores if isinstance(graph, Tensor) else scores.cpu().numpy()


def _of_sides(graph: Scorable, predictor: LinkPredictor, form: str, place: torch.device, number: torch.dtype) -> Tensor:
    """Return the scores of a graph with two sides, on the device, in the requested form or the cheapest one."""
    if place.type == "cpu" and form != DENSE:
        sides = graph if isinstance(graph, BipartiteGraph) else BipartiteGraph(graph)
        check_memory(sides.shape[0] * sides.shape[1] * number.itemsize, place, sides.shape)
        chosen, links = prepare(sides, predictor, number.itemsize, form)
        if links is not None:
            check_memory(
                compiled_bytes(sides.shape, number.itemsize, chosen, per_path=predictor.per_path), place, sides.shape
            )
            return torch.from_numpy(compiled_scores(links, predictor, number, chosen))
    return dense_scores(as_mask(graph, place, number.itemsize), predictor, number)


def two_sided(graph: Scorable) -> Scorable:
    """Return a networkx or igraph graph with two sides as a `BipartiteGraph`, and anything else unchanged."""
    networkx, igraph = sys.modules.get("networkx"), sys.modules.get("igraph")
    if networkx is not None and isinstance(graph, networkx.Graph):
        return BipartiteGraph.from_networkx(graph)
    if igraph is not None and isinstance(graph, igraph.Graph):
        return BipartiteGraph.from_igraph(graph)
    return graph


def known(graph: Scorable) -> Known:
    """Return a graph with one kind of node as a `Graph`, and any other graph or matrix as a `BipartiteGraph`."""
    nodes = one_mode(graph)
    sides = nodes if nodes is not None else two_sided(graph)
    return sides if isinstance(sides, BipartiteGraph | Graph) else BipartiteGraph(sides)


def device_of(graph: Scorable, device: torch.device | str | None) -> torch.device:
    """Return where to compute: the requested device, else that of the tensor, else torch's default."""
    if device is not None:
        return device_here("device", device)
    return graph.device if isinstance(graph, Tensor) else torch.get_default_device()


def check_form(form: str) -> None:
    """Raise an error unless the form exists."""
    if form not in FORMS:
        raise InvalidValueError(f"form={form!r} is not available: use one of {', '.join(map(repr, FORMS))}")


def reject_compiled_on(device: torch.device, form: str) -> None:
    """Reject forms compiled for the CPU on any other device."""
    if device.type != "cpu" and form not in (AUTO, DENSE):
        raise InvalidValueError(f"form={form!r} runs on the CPU, not on {device}: use 'dense', or device='cpu'")


def reject_for_one_mode(form: str, device: torch.device | str | None) -> None:
    """Reject forms for graphs with two sides, and any device except the CPU."""
    if form not in (AUTO, SPARSE):
        raise InvalidValueError(f"form={form!r} is for graphs with two sides: use 'auto' for a one-mode graph")
    if device is not None and device_named("device", device).type != "cpu":
        raise InvalidValueError(f"device={str(device)!r}: one-mode graphs are scored on the CPU; leave out device")


def _of_layers(
    layers: Tensor, predictor: LinkPredictor, form: str, device: torch.device | str | None, number: torch.dtype
) -> Tensor:
    """Return the scores of several layers of the same shape, (n_layers, n_out, n_in)."""
    place = device_of(layers, device)
    if not len(layers):
        raise InvalidValueError(f"layers of shape {tuple(layers.shape)}: pass at least one layer")
    if place.type == "cpu" and form != DENSE:
        return torch.stack([_of_sides(layer, predictor, form, place, number) for layer in layers])
    reject_compiled_on(place, form)
    check_memory(dense_bytes(tuple(layers.shape), number.itemsize), place, tuple(layers.shape))
    masks = torch.stack([as_mask(layer, place) for layer in layers])
    return dense_scores(masks, predictor, number)
