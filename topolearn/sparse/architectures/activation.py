"""Activations with which a neuron without input has no output."""

import torch
from torch import nn

NAMES = ("act", "act_fn", "activation", "activation_fn", "intermediate_act_fn")  # attributes that hold it


def vanishing_activation(module: nn.Module) -> bool:
    """Return whether a module has an activation that acts on each neuron separately and is 0 at 0.

    Examples
    --------
    >>> class Layer(nn.Module):
    ...     def __init__(self, act):
    ...         super().__init__()
    ...         self.act = act
    >>> [vanishing_activation(Layer(act)) for act in (nn.GELU(), torch.tanh, nn.Sigmoid(), nn.Softmax(0), None)]
    [True, True, False, False, False]
    """
    activation = next((each for name in NAMES if callable(each := getattr(module, name, None))), None)
    if activation is None or (isinstance(activation, nn.Module) and any(True for _ in activation.parameters())):
        return False
    with torch.no_grad():
        at_zero, next_to_one = activation(torch.zeros(2)), activation(torch.tensor([0.0, 1.0]))
    return at_zero.shape == (2,) and not bool(at_zero.any()) and float(next_to_one[0]) == 0
