"""Initial weights: one function per named initialization, and the default for each layer."""

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
    """A distribution with mean 0 from which the weights of links are drawn.

    Attributes
    ----------
    draw : callable
        Maps a number of values, their standard deviation, a dtype and a generator to the values, on the CPU.
    numerator, denominator : float
        The variance is their quotient.
    """

    draw: Draw
    numerator: float
    denominator: float

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return math.sqrt(self.numerator / self.denominator)


class Init(NamedTuple):
    """An initialization: its name, and the law for a layer; a law of None keeps the weights of the model."""

    name: str
    law_of: Callable[[SparseLinear], Law | None]


def normal(n: int, deviation: float, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Draw from a normal distribution."""
    return torch.randn(n, generator=generator, dtype=dtype, device="cpu") * deviation


def uniform(n: int, deviation: float, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Draw from a uniform distribution between ``-sqrt(3)`` and ``sqrt(3)`` standard deviations."""
    bound = math.sqrt(3.0) * deviation
    return torch.empty(n, dtype=dtype, device="cpu").uniform_(-bound, bound, generator=generator)


def he(layer: SparseLinear) -> Law:
    r"""Return :math:`N(0, 2 / (\text{density} \cdot \text{in\_features}))`, as `SparseLinear.reset_weight` does."""
    return Law(normal, 2 * layer.out_features, layer.n_links)


def keep(layer: SparseLinear) -> None:
    """Return no law: links keep the weights that the model has there."""


def xavier(layer: SparseLinear) -> Law:
    r"""Return :math:`U(-a, a)` with :math:`a = \sqrt{6 / (n_\text{in} + n_\text{out})}`, scaled for all cells.

    This is `torch.nn.init.xavier_uniform_` for the dense layer. Activations shrink with the density.
    """
    return Law(uniform, 2, layer.in_features + layer.out_features)


def xavier_links(layer: SparseLinear) -> Law:
    r"""Return `xavier` divided by :math:`\sqrt{\text{density}}`: scaled for the links."""
    n_cells, n_neurons = layer.in_features * layer.out_features, layer.in_features + layer.out_features
    return Law(uniform, 2 * n_cells, n_neurons * layer.n_links)


INITS: Registry[Callable[[SparseLinear], Law | None]] = Registry(
    "init", {HE: he, KEEP: keep, XAVIER: xavier, "xavier-links": xavier_links}
)


def as_init(init: str | float) -> Init:
    """Return the initialization with a name, or for a number, a normal one with this standard deviation.

    Raises
    ------
    InvalidValueError
        When the name is unknown, or the number is not positive and finite.

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
                f"init={init!r} cannot be a standard deviation: use a positive number, such as 0.02"
            )
        return Init(f"{number:g}", lambda layer: Law(normal, number**2, 1))
    if init not in INITS:
        known = suggest(str(init), list(INITS))
        raise InvalidValueError(f"init={init!r} is unknown: {known}; or a number, the standard deviation")
    assert isinstance(init, str)
    return Init(init, INITS[init])


def default_inits(model: nn.Module, layers: Mapping[str, nn.Module], *, keeps: bool, draws: str) -> dict[str, Init]:
    """Return the default initialization of each layer, as documented in `topolearn.sparsify`.

    Parameters
    ----------
    model : torch.nn.Module
    layers : Mapping of str to torch.nn.Module
        The dense layers of the model that become sparse.
    keeps : bool
        Whether the method can keep the weights of the model.
    draws : str
        The initialization of layers of pretrained models whose weights cannot be kept.

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
    """Return whether a module is a model of transformers, which draws or loads its own weights."""
    return any(
        kind.__name__ == "PreTrainedModel" and kind.__module__.partition(".")[0] == "transformers"
        for kind in type(module).__mro__
    )
