"""The optimizer follows the links: what each known optimizer remembers of a weight."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import SparseLinear
from topolearn.sparse.link_state import LINK_STATE, known_state

# Why others do not fit, by the name of their class, which several libraries share.
UNFIT: dict[str, str] = {
    "Adafactor": "second moments are means over the rows and columns of a weight, over links that have gone too",
    "Adamax": "exp_inf becomes eps under a zero gradient",
    "LBFGS": "its history is of all weights at once, and a zero gradient moves weights",
    "Muon": "its update is orthogonalised, so a zero gradient moves weights",
    "Optimizer8bit": "state1 and state2 are codes, and the code of zero is not zero",
    "Rprop": "step_size begins at the learning rate, and is never zero",
    "SparseAdam": "it takes sparse gradients alone, which no layer gives",
}
WRAPPED = ("optimizer", "_optimizer")  # attributes in which wrappers hold the optimizer
REMEMBERING = {"Lookahead"}  # wrappers with a state of their own, which comes with the first step alone


def unwrapped(optimizer: object) -> Optimizer:
    """Return the torch optimizer within the wrappers of accelerate, Lightning and their like.

    A wrapper holds the optimizer that it calls in its attribute ``optimizer``.

    Raises
    ------
    InvalidTypeError
        When there is no torch optimizer, or a wrapper keeps a state of its own, which would not follow the links.

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
            f"optimizer is a {type(optimizer).__name__}: give a torch.optim.Optimizer, or a wrapper that holds one in "
            "its attribute optimizer"
        )
    for wrapper in wrappers:
        own = getattr(wrapper, "__dict__", {}).get("state")
        outer, kind = type(wrapper).__name__, type(within).__name__
        has_own = own is not within.state and any(True for _ in _tensors(own))
        if has_own or outer in REMEMBERING:
            raise InvalidTypeError(
                f"optimizer {outer} keeps a state of its own beside that of the {kind} in it, which would not follow "
                f"the links: use the {kind} alone"
            )
    return within


def _within(optimizer: object) -> object | None:
    """Return what a wrapper wraps, or None for anything else."""
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
    """Refuse an optimizer whose state is not known, or that does not train all sparse layers that are not frozen.

    Raises
    ------
    InvalidTypeError
        For an optimizer that is of no kind in `LINK_STATE`, or has more state of a sparse weight than its kind.
    InvalidValueError
        When the weight of a sparse layer is in no parameter group, or shared; or the state begins elsewhere than at 0,
        or does not stay there.
    """
    if known_state(optimizer) is None:
        names, known = ([kind.__name__ for kind in kinds] for kinds in (type(optimizer).__mro__, LINK_STATE))
        reason = next((f"; of {name}, {UNFIT[name]}" for name in names if name in UNFIT), "")
        raise InvalidTypeError(
            f"optimizer {names[0]} is not supported: use one of {', '.join(known)}, or a subclass. As links come and "
            "go, all state must be tensors of the weight's shape that are zero at the start and stay zero, as the "
            f"weight there must, under a zero gradient{reason}"
        )
    check_state(optimizer, layers)
    for group in optimizer.param_groups:
        if group.get("initial_accumulator_value", 0) != 0:
            raise InvalidValueError(
                f"Adagrad with initial_accumulator_value={group['initial_accumulator_value']}: new links begin with "
                "the state 0, so use 0"
            )
        if group.get("eps", 1) == 0:
            raise InvalidValueError("eps=0 divides 0 by 0 where there is no link: use a small positive number")
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


def check_state(optimizer: Optimizer, layers: Mapping[str, SparseLinear]) -> None:
    """Refuse an optimizer that remembers more of a sparse weight than its kind does, which would not follow the links.

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
                    f"optimizer {type(optimizer).__name__} has the state {key!r} of sparse layer {name!r}, which would "
                    f"not follow its links; known are {', '.join(known)}: use an optimizer without it"
                )


@torch.no_grad()
def follow_links(optimizer: Optimizer, layer: SparseLinear, moved: Callable[[Tensor], Tensor]) -> None:
    """Let the optimizer's memory of a layer follow its links, by what `topolearn.SparseLinear.set_links` returned.

    Memory that is known to belong to other links than those before, as it was loaded already, stays as it is.
    """
    state = optimizer.state.get(layer.link_parameter, {})
    if not layer.precedes_change(state):
        return
    for key in known_state(optimizer) or ():
        if isinstance(state.get(key), Tensor):
            state[key] = moved(state[key])
    layer.note_links(optimizer)
