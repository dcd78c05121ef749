"""Optimizer state that follows the links: checking an optimizer, and moving its state with the links."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import SparseLinear
from topolearn.sparse.conversion.replaceable import computed_parameter
from topolearn.sparse.weights.link_state import LINK_STATE, known_state

# Why other optimizers are not supported, by class name, which several libraries share.
UNFIT: dict[str, str] = {
    "Adafactor": "its second moments are means over rows and columns of a weight, including removed links",
    "Adamax": "its exp_inf becomes eps under a zero gradient",
    "LBFGS": "its history covers all weights together, and weights with a zero gradient move",
    "Muon": "its update is orthogonalised, so weights with a zero gradient move",
    "Optimizer8bit": "its state1 and state2 are quantised codes, and the code of zero is not zero",
    "Rprop": "its step_size starts at the learning rate and is never zero",
    "SparseAdam": "it accepts only sparse gradients, which no layer produces",
}
WRAPPED = ("optimizer", "_optimizer")  # attributes in which wrappers hold the optimizer
REMEMBERING = {"Lookahead"}  # wrappers whose own state appears only with the first step


def unwrapped(optimizer: object) -> Optimizer:
    """Return the torch optimizer inside wrappers such as those of accelerate and Lightning.

    A wrapper holds the optimizer that it calls in its attribute ``optimizer``.

    Raises
    ------
    InvalidTypeError
        When there is no torch optimizer, or a wrapper keeps its own state, which would not follow the links.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> inner = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    >>> unwrapped(SimpleNamespace(optimizer=inner)) is inner
    True
    """
    wrappers: list[object] = []
    within: object = optimizer
    while (inner := _within(within)) is not None and not any(inner is each for each in wrappers):
        wrappers.append(within)
        within = inner
    if not isinstance(within, Optimizer):
        raise InvalidTypeError(
            f"optimizer is a {type(optimizer).__name__}: pass a torch.optim.Optimizer, or a wrapper that holds one in "
            "its attribute 'optimizer'"
        )
    for wrapper in wrappers:
        own = getattr(wrapper, "__dict__", {}).get("state")
        outer, kind = type(wrapper).__name__, type(within).__name__
        has_own = own is not within.state and any(True for _ in _tensors(own))
        if has_own or outer in REMEMBERING:
            raise InvalidTypeError(
                f"optimizer {outer} keeps its own state in addition to that of its {kind}, which would not follow the "
                f"links: use the {kind} without the wrapper"
            )
    return within


def _within(optimizer: object) -> object | None:
    """Return the object inside a wrapper, or None if it is not a wrapper."""
    held = (getattr(optimizer, name, None) for name in WRAPPED)
    return next((each for each in held if isinstance(each, Optimizer) or _is_wrapper(each)), None)


def _is_wrapper(held: object) -> bool:
    return any(isinstance(getattr(held, name, None), Optimizer) for name in WRAPPED)


def _tensors(value: object) -> Iterator[Tensor]:
    """Yield the tensors in lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(each)


def check_optimizer(optimizer: Optimizer, layers: Mapping[str, SparseLinear]) -> None:
    """Check that an optimizer is supported and trains all sparse layers that are not frozen.

    Raises
    ------
    InvalidTypeError
        For an optimizer of a class not in `LINK_STATE`, or with more state for a sparse weight than its class has.
    InvalidValueError
        When the weight of a sparse layer is shared or in no parameter group, or its state does not start or stay at 0
        off the links.
    """
    if known_state(optimizer) is None:
        names, known = ([kind.__name__ for kind in kinds] for kinds in (type(optimizer).__mro__, LINK_STATE))
        reason = next((f"; for {name}, {UNFIT[name]}" for name in names if name in UNFIT), "")
        raise InvalidTypeError(
            f"optimizer {names[0]} is not supported: use one of {', '.join(known)}, or a subclass. As links come and "
            "go, all state must be tensors of the weight's shape that start at zero, and both state and weight must "
            f"stay at zero under a zero gradient{reason}"
        )
    check_state(optimizer, layers)
    for group in optimizer.param_groups:
        if group.get("initial_accumulator_value", 0) != 0:
            raise InvalidValueError(
                f"Adagrad with initial_accumulator_value={group['initial_accumulator_value']} is not supported: new "
                "links start with state 0, so use initial_accumulator_value=0"
            )
        if group.get("eps", 1) == 0:
            raise InvalidValueError("eps=0 divides 0 by 0 off the links: use a small positive number")
    check_trained(optimizer, layers)
    owners: dict[int, str] = {}
    for name, layer in layers.items():
        other = owners.setdefault(id(layer.link_parameter), name)
        if other != name:
            raise InvalidValueError(
                f"sparse layers {other!r} and {name!r} share one weight but have different links: exclude one of them "
                "with sparsify(model, method, exclude=[...])"
            )


def check_trained(optimizer: Optimizer, layers: Mapping[str, SparseLinear]) -> None:
    """Check that the optimizer has the weight of every layer that is not frozen.

    Raises
    ------
    InvalidValueError
    """
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for name, layer in layers.items():
        if layer.link_parameter.requires_grad and id(layer.link_parameter) not in trained:
            computed = computed_parameter(layer, "weight")
            if computed:
                raise InvalidValueError(f"sparse layer {name!r} {computed.reason}: {computed.cure}")
            raise InvalidValueError(
                f"the weight of sparse layer {name!r} is in no param group of the optimizer: create the optimizer "
                "after sparsify(model, ...), with model.parameters(), or freeze the layer with requires_grad_(False)"
            )


def check_state(optimizer: Optimizer, layers: Mapping[str, SparseLinear]) -> None:
    """Check that an optimizer has only known state for sparse weights, as other state would not follow the links.

    Raises
    ------
    InvalidTypeError
    """
    known = known_state(optimizer) or ()
    for name, layer in layers.items():
        weight = layer.link_parameter
        for key, value in optimizer.state.get(weight, {}).items():
            if key not in known and any(each.numel() > 1 or each.shape == weight.shape for each in _tensors(value)):
                raise InvalidTypeError(
                    f"optimizer {type(optimizer).__name__} has state {key!r} for sparse layer {name!r}, which would "
                    f"not follow its links (supported: {', '.join(known)}): use an optimizer without this state"
                )


@torch.no_grad()
def follow_links(optimizer: Optimizer, layer: SparseLinear, moved: Callable[[Tensor], Tensor]) -> None:
    """Move the optimizer state of a layer with its links, using the result of `topolearn.SparseLinear.set_links`.

    State that belongs to the new links already, because it was loaded before them, stays unchanged.
    """
    state = optimizer.state.get(layer.link_parameter, {})
    if not layer.precedes_change(state):
        return
    for key in known_state(optimizer) or ():
        if isinstance(state.get(key), Tensor):
            state[key] = moved(state[key])
    layer.note_links(optimizer)
