"""The state that each known optimizer keeps per element of a weight."""

from torch.optim import ASGD, SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RMSprop

# State tensors with the shape of the weight. With a zero gradient, a zero entry and a zero weight stay zero.
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
    """Return the names in `LINK_STATE` for an optimizer of a known class or a subclass of one, or None.

    Examples
    --------
    >>> import torch
    >>> class Slower(SGD):
    ...     pass
    >>> known_state(Slower([torch.nn.Parameter(torch.zeros(1))], lr=0.1))
    ('momentum_buffer',)
    """
    return next((LINK_STATE[kind] for kind in type(optimizer).__mro__ if kind in LINK_STATE), None)
