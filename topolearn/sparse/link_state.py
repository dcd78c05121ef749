"""What each known optimizer remembers of a weight, element by element."""

from torch.optim import ASGD, SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RMSprop

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
    ASGD: ("ax",),
}


def known_state(optimizer: Optimizer) -> tuple[str, ...] | None:
    """Return the names in `LINK_STATE` of an optimizer of a known kind or a subclass of it, None for others.

    Examples
    --------
    >>> import torch
    >>> class Slower(SGD):
    ...     pass
    >>> known_state(Slower([torch.nn.Parameter(torch.zeros(1))], lr=0.1))
    ('momentum_buffer',)
    """
    return next((LINK_STATE[kind] for kind in type(optimizer).__mro__ if kind in LINK_STATE), None)
