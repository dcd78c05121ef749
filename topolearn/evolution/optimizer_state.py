"""The optimizer follows the links: what each known optimizer remembers of a weight."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RMSprop

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import SparseLinear

# State tensors with the shape of the weight; a zero gradient leaves a zero entry, and the weight there, at zero.
LINK_STATE: dict[type[Optimizer], tuple[str, ...]] = {
    SGD: ("momentum_buffer",),
    Adam: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"),
    AdamW: ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"),
    NAdam: ("exp_avg", "exp_avg_sq"),
    RAdam: ("exp_avg", "exp_avg_sq"),
    RMSprop: ("square_avg", "momentum_buffer", "grad_avg"),
    Adagrad: ("sum",),
    Adadelta: ("square_avg", "acc_delta"),
}


def check_optimizer(optimizer: Optimizer, layers: Mapping[str, SparseLinear]) -> None:
    """Refuse an optimizer whose state is not known, or that does not train all sparse layers that are not frozen.

    Raises
    ------
    InvalidTypeError
        For an optimizer of a kind that is not in `LINK_STATE`.
    InvalidValueError
        When the weight of a sparse layer is in no parameter group, or shared, or the state begins elsewhere than at 0.
    """
    if type(optimizer) not in LINK_STATE:
        known = ", ".join(kind.__name__ for kind in LINK_STATE)
        raise InvalidTypeError(f"optimizer {type(optimizer).__name__} is not supported: use one of {known}")
    for group in optimizer.param_groups:
        if group.get("initial_accumulator_value", 0) != 0:
            raise InvalidValueError(
                f"Adagrad with initial_accumulator_value={group['initial_accumulator_value']}: new links begin with "
                "the state 0, so use 0"
            )
    check_trained(optimizer, layers)
    owners: dict[int, str] = {}
    for name, layer in layers.items():
        other = owners.setdefault(id(layer.link_parameter), name)
        if other != name:
            raise InvalidValueError(
                f"sparse layers {other!r} and {name!r} share one weight, but have links of their own: exclude one of "
                "them when you call sparsify(model, method, exclude=[...])"
            )


def check_trained(optimizer: Optimizer, layers: Mapping[str, SparseLinear]) -> None:
    """Refuse layers whose weight is to be trained, but is in no parameter group of the optimizer.

    Raises
    ------
    InvalidValueError
    """
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for name, layer in layers.items():
        if layer.link_parameter.requires_grad and id(layer.link_parameter) not in trained:
            raise InvalidValueError(
                f"the weight of sparse layer {name!r} is in no param group of the optimizer: make the optimizer after "
                "sparsify(model, ...), with model.parameters(), or freeze the layer by requires_grad_(False)"
            )


@torch.no_grad()
def follow_links(optimizer: Optimizer, layer: SparseLinear, moved: Callable[[Tensor], Tensor]) -> None:
    """Let the optimizer's memory of a layer follow its links, by what `topolearn.SparseLinear.set_links` returned.

    Memory that is known to belong to other links than those before, as it was loaded already, stays as it is.
    """
    state = optimizer.state.get(layer.link_parameter, {})
    if not layer.precedes_change(state):
        return
    for key in LINK_STATE[type(optimizer)]:
        if isinstance(state.get(key), Tensor):
            state[key] = moved(state[key])
    layer.note_links(state)
