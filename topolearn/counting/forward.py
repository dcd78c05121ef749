"""One forward pass on the meta device: how often each layer is applied, and the FLOPs of all other products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from topolearn.errors import InvalidValueError
from topolearn.sampling import torch_draws_from
from topolearn.sparse import is_dense_linear, shape_of


@dataclass(frozen=True)
class Forward:
    """The multiplications of one forward pass.

    Attributes
    ----------
    positions : dict of str to int
        How many input vectors each linear layer takes.
    other_flops : int
        FLOPs of all other products, such as attention scores; 2 per multiply-add.
    """

    positions: dict[str, int]
    other_flops: int


def forward_of(model: nn.Module, inputs: Mapping[str, Tensor] | Sequence[Tensor]) -> Forward:
    """Run a model on the meta device, which takes no memory, and count its multiplications.

    Attention counts in full, as implementations compute it: a causal mask does not halve the count.

    Raises
    ------
    InvalidValueError
        When the model cannot run on the meta device.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     mlp = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
    ...     x = torch.empty(3, 5, 6)
    >>> forward_of(mlp, [x])
    Forward(positions={'0': 15, '2': 15}, other_flops=0)
    """
    from torch.utils.flop_counter import FlopCounterMode

    layers = {name: module for name, module in model.named_modules() if is_dense_linear(module)}
    positions = Counter(dict.fromkeys(layers, 0))
    handles = [layer.register_forward_hook(_counting(positions, name)) for name, layer in layers.items()]
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), torch_draws_from(0), counter:
            model(**inputs) if isinstance(inputs, Mapping) else model(*inputs)
    except (RuntimeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise InvalidValueError(
            f"{type(model).__name__} cannot run on the meta device ({reason}): leave out inputs whose values the model "
            "branches on, such as attention masks, or use eager attention"
        ) from None
    finally:
        for handle in handles:
            handle.remove()
    of_layers = sum(2 * positions[name] * cells_of(layer) for name, layer in layers.items())
    return Forward(dict(positions), int(counter.get_total_flops()) - of_layers)


def cells_of(layer: nn.Module) -> int:
    """Return the number of cells of a linear layer."""
    n_out, n_in = shape_of(layer)
    return n_out * n_in


def _counting(positions: Counter[str], name: str) -> Callable[[nn.Module, Any, Tensor], None]:
    def hook(layer: nn.Module, args: Any, output: Tensor) -> None:
        positions[name] += output.numel() // shape_of(layer)[0]

    return hook
