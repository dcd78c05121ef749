"""Initial weights: the named ways, one function each, and the one that a layer gets when none is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import NamedTuple

import torch
from torch import Tensor, nn

from topolearn.errors import InvalidValueError
from topolearn.registry import Registry, suggest
from topolearn.sparse import SparseLinear

HE, KEEP, XAVIER = "he", "keep", "xavier"
Draw = Callable[[int, float, torch.dtype, torch.Generator], Tensor]


class Law(NamedTuple):
    """A law of mean 0 from which the weights of links are drawn.

    Attributes
    ----------
    draw : callable
        From a number of values, their standard deviation, a dtype and a generator to the values, on the CPU.
    numerator, denominator : float
        Their quotient is the variance.
    """

    draw: Draw
    numerator: float
    denominator: float

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return math.sqrt(self.numerator / self.denominator)


class Init(NamedTuple):
    """How a layer gets its first weights: under what name, and by which law; None keeps those of the model."""

    name: str
    law_of: Callable[[SparseLinear], Law | None]


def normal(n: int, deviation: float, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Draw from a normal law."""
    return torch.randn(n, generator=generator, dtype=dtype, device="cpu") * deviation


def uniform(n: int, deviation: float, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Draw from a uniform law, between ``-sqrt(3)`` and ``sqrt(3)`` deviations."""
    bound = math.sqrt(3.0) * deviation
    return torch.empty(n, dtype=dtype, device="cpu").uniform_(-bound, bound, generator=generator)


def he(layer: SparseLinear) -> Law:
    r"""Return :math:`N(0, 2 / (\text{density} \cdot \text{in\_features}))`, that of `SparseLinear.reset_weight`."""
    return Law(normal, 2 * layer.out_features, layer.n_links)


def keep(layer: SparseLinear) -> None:
    """Return no law: the weights that the model has where there are links, as they are."""


def xavier(layer: SparseLinear) -> Law:
    r"""Return :math:`U(-a, a)` with :math:`a = \sqrt{6 / (n_\text{in} + n_\text{out})}`, made for all cells.

    It is that of `torch.nn.init.xavier_uniform_` for the dense layer. Activations shrink with the density.
    """
    return Law(uniform, 2, layer.in_features + layer.out_features)


def xavier_links(layer: SparseLinear) -> Law:
    r"""Return `xavier` divided by :math:`\sqrt{\text{density}}`: made for the links that there are."""
    n_cells, n_neurons = layer.in_features * layer.out_features, layer.in_features + layer.out_features
    return Law(uniform, 2 * n_cells, n_neurons * layer.n_links)


INITS: Registry[Callable[[SparseLinear], Law | None]] = Registry(
    "init", {HE: he, KEEP: keep, XAVIER: xavier, "xavier-links": xavier_links}
)


def as_init(init: str | float) -> Init:
    """Return the initial weights of a name, or for a number, from a normal law with this standard deviation.

    Raises
    ------
    InvalidValueError
        When there is no such name, or the number is not positive.

    Examples
    --------
    >>> import topolearn as tl
    >>> layer = tl.SparseLinear(8, 4, graph=tl.generators.erdos_renyi(8, 4, 0.25, seed=0))
    >>> as_init("he").law_of(layer).deviation, as_init(0.02).name, as_init(0.02).law_of(layer).deviation
    (1.0, '0.02', 0.02)
    """
    if isinstance(init, Real) and not isinstance(init, bool):
        number = float(init)
        if not 0 < number < math.inf:
            raise InvalidValueError(
                f"init={init!r} is the standard deviation of the weights: use a positive number, such as 0.02"
            )
        return Init(f"{number:g}", lambda layer: Law(normal, number**2, 1))
    if init not in INITS:
        known = suggest(str(init), list(INITS))
        raise InvalidValueError(f"init={init!r} is unknown: {known}; or a number, the standard deviation")
    assert isinstance(init, str)
    return Init(init, INITS[init])


def default_inits(model: nn.Module, layers: Mapping[str, nn.Module], *, keeps: bool, draws: str) -> dict[str, Init]:
    """Return the initial weights of each layer where none are named, as `topolearn.sparsify` has it.

    Parameters
    ----------
    model : torch.nn.Module
    layers : Mapping of str to torch.nn.Module
        Its dense layers that become sparse.
    keeps : bool
        Whether the method can keep weights.
    draws : str
        What is drawn for layers of models that bring their weights along, where these cannot be kept.

    Examples
    --------
    >>> mlp = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    >>> {name: init.name for name, init in default_inits(mlp, {"0": mlp[0]}, keeps=True, draws="xavier").items()}
    {'0': 'he'}
    """
    pretrained = {id(each) for module in model.modules() if is_pretrained(module) for each in module.modules()}

    def name_of(layer: nn.Module) -> str:
        if id(layer) not in pretrained:
            return HE
        return KEEP if keeps and not layer.get_parameter("weight").is_meta else draws

    return {name: as_init(name_of(layer)) for name, layer in layers.items()}


def is_pretrained(module: nn.Module) -> bool:
    """Return whether a module is a model of transformers, which draws or loads its weights by rules of its own."""
    return any(
        kind.__name__ == "PreTrainedModel" and kind.__module__.partition(".")[0] == "transformers"
        for kind in type(module).__mro__
    )
