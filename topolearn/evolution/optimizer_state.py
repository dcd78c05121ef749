"""The optimizer follows the links: what each known optimizer remembers of a weight."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
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
        if id(layer.link_parameter) not in trained:
            raise InvalidValueError(
                f"the weight of sparse layer {name!r} is in no param group of the optimizer: make the optimizer after "
                "sparsify(model, ...), with model.parameters()"
            )


@torch.no_grad()
def follow_links(optimizer: Optimizer, parameter: nn.Parameter, moved: Callable[[Tensor], Tensor]) -> None:
    """Let the optimizer's memory of a layer follow its links, by what `topolearn.SparseLinear.set_links` returned."""
    state = optimizer.state.get(parameter, {})
    for key in LINK_STATE[type(optimizer)]:
        if isinstance(state.get(key), Tensor):
            state[key] = moved(state[key])
