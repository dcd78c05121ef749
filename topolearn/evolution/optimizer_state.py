"""The optimizer follows the links: what each known optimizer remembers of a weight."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import SparseLinear

# State tensors with the shape of the weight; a zero gradient leaves a zero entry, and the weight there, at zero.
LINK_STATE: dict[type[Optimizer], tuple[str, ...]] = {
    SGD: ("momentum_buffer",),
    Adam: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"),
    AdamW: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"),
}


def check_optimizer(optimizer: Optimizer, layers: Iterable[tuple[str, SparseLinear]]) -> None:
    """Refuse an optimizer whose state is not known, or that does not train all sparse layers.

    Raises
    ------
    InvalidTypeError
        For an optimizer of a kind that is not in `LINK_STATE`.
    InvalidValueError
        When the weight of a sparse layer is in no parameter group.
    """
    if type(optimizer) not in LINK_STATE:
        known = ", ".join(kind.__name__ for kind in LINK_STATE)
        raise InvalidTypeError(f"optimizer {type(optimizer).__name__} is not supported: use one of {known}")
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for name, layer in layers:
        if id(layer.weight) not in trained:
            raise InvalidValueError(
                f"the weight of sparse layer {name!r} is in no param group of the optimizer: make the optimizer after "
                "sparsify(model, ...), with model.parameters()"
            )


@torch.no_grad()
def mask_state(optimizer: Optimizer, weight: Tensor, mask: Tensor) -> None:
    """Set the optimizer's memory of a weight to zero off the mask; links that stay keep theirs."""
    state = optimizer.state.get(weight, {})
    for key in LINK_STATE[type(optimizer)]:
        if isinstance(state.get(key), Tensor):
            state[key].masked_fill_(~mask, 0)
