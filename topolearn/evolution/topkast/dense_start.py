"""Initial values of layers that also store and train values off the links: the links get the largest values."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from topolearn.evolution.methods import Method
from topolearn.evolution.starting.initial_weights import Law
from topolearn.evolution.step.links import LayerLinks
from topolearn.evolution.step.stages import LayerState, Step, decay
from topolearn.evolution.topkast.backward_set import backward_set
from topolearn.graph import BipartiteGraph
from topolearn.sparse import StoredLinear


def draw_values(layer: StoredLinear, law: Law, generator: torch.Generator) -> Tensor:
    """Draw a value for each cell of a layer from one law, and give the largest values to the links.

    Selecting the largest values of a dense draw as links gives a random graph, independent of the order of the values.
    Giving the largest values to existing links therefore has the same distribution if the links are random, and also
    works for any other graph. All values are scaled by a common factor, such that the mean square of the links' values
    is the variance of the law.

    Returns
    -------
    Tensor, shape (out_features * in_features,)
        On the CPU, so that the values are the same for every device.

    Examples
    --------
    >>> import topolearn as tl
    >>> from topolearn.evolution.starting.initial_weights import normal
    >>> layer = StoredLinear(4, 3, graph=tl.generators.erdos_renyi(4, 3, 0.5, seed=0))
    >>> values = draw_values(layer, Law(normal, 1.0, 1.0), torch.Generator().manual_seed(0))
    >>> links = layer.mask.flatten()
    >>> bool(values[links].abs().min() > values[~links].abs().max()), round(float(values[links].square().mean()), 4)
    (True, 1.0)
    """
    links = layer.mask.flatten().cpu()
    drawn = law.draw(links.numel(), 1.0, layer.weight.dtype, generator)
    is_large = torch.zeros_like(links)
    is_large[drawn.abs().topk(layer.n_links).indices] = True
    values = torch.empty_like(drawn)
    values[links], values[~links] = drawn[is_large], drawn[~is_large]
    mean_square = float(drawn[is_large].to(torch.float64).square().mean())
    return values * math.sqrt(law.numerator / (law.denominator * mean_square))


def largest_links(
    weights: Mapping[str, Tensor], counts: Mapping[str, int], method: Method, seed: int
) -> dict[str, BipartiteGraph]:
    """Return the initial links if the weights of a model are kept: the best by the method's ``pruning`` score."""
    states = {
        name: LayerState.before(name, _without_links(weight), counts[name], counts[name])
        for name, weight in weights.items()
    }
    cells = {name: state.pruned for name, state in decay(states, Step(method, 0.0, seed, 0)).items()}
    sizes = {name: (weight.shape[1], weight.shape[0]) for name, weight in weights.items()}
    return {name: BipartiteGraph.from_cells(cells[name].cpu().numpy(), *sizes[name]) for name in cells}


def why_not_chosen_by_weights(method: Method) -> str | None:
    """Return why the weights of a model cannot choose the links, or None if no generator is given that does."""
    is_default = method.generator == Method.generator
    if is_default and method.input_generator is None:
        return None
    field = "input_generator" if is_default else "generator"
    return (
        f"{field}={getattr(method, field)!r} chooses the links, but with method {method.name!r} and init='keep' the "
        f"weights choose them: use init='he', or generator={Method.generator!r} without input_generator"
    )


def begin(layer: StoredLinear, values: Tensor, name: str, step: Step) -> None:
    """Set the values of a layer, and the cells trained until the first update."""
    layer.set_stored(values.to(layer.weight))
    known = LayerLinks(layer.cells(), layer.link_values(), layer.shape, stored=layer.latest_values())
    layer.set_links(layer.cells(), backward_set(known, layer.cells(), name, step))


def _without_links(weight: Tensor) -> LayerLinks:
    none = weight.new_empty(0, dtype=torch.int64)
    return LayerLinks(none, weight.new_empty(0), (weight.shape[0], weight.shape[1]), stored=weight.flatten())
