"""Checks that the tensors of a checkpoint fit a model and its optimizer, before either is changed."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

STEP = "step"  # a scalar, used by Adam and similar optimizers
KNOWN = ("momentum_buffer", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "square_avg", "sum", STEP)


def check_values(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise if tensors have another dtype than those that they replace, or NaN values.

    Raises
    ------
    ValueError
        When a tensor is wrong; the message names it.

    Examples
    --------
    >>> check_values({"fc.bias": torch.tensor([float("nan")])}, {"fc.bias": torch.zeros(1)})
    Traceback (most recent call last):
    ValueError: model/fc.bias has 1 NaN values
    """
    for name, tensor in tensors.items():
        if name in expected and tensor.dtype != expected[name].dtype:
            raise ValueError(f"model/{name} is {tensor.dtype}, but the model needs {expected[name].dtype}")
        _reject_nan(f"model/{name}", tensor)


def optimizer_states(
    tensors: Mapping[str, Tensor], optimizer: Optimizer, weights: Mapping[str, Tensor], model: nn.Module
) -> dict[int, dict[str, Tensor]]:
    """Return the optimizer state of each parameter, by the parameter's number.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        State tensors by ``NUMBER/KEY``.
    optimizer : torch.optim.Optimizer
    weights : mapping of str to Tensor
        The weights that the model is about to load, whose shapes depend on the links.
    model : torch.nn.Module

    Raises
    ------
    ValueError
        When an entry belongs to no parameter, or has the wrong shape or dtype, or NaN values; the message names it.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    states: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, key = name.partition("/")
        if not number.isdecimal() or int(number) >= len(parameters) or not key:
            raise ValueError(f"optimizer/{name} belongs to none of the model's {len(parameters)} parameters")
        parameter = parameters[int(number)]
        of = names.get(id(parameter), number)
        shape = tuple(weights[of].shape) if of in weights else tuple(parameter.shape)
        if tensor.dim() and tuple(tensor.shape) != shape and tensor.is_floating_point():
            raise ValueError(f"optimizer/{name} has shape {tuple(tensor.shape)}, but {of} has {shape}")
        if key in KNOWN and key != STEP and tensor.dtype != parameter.dtype:
            raise ValueError(f"optimizer/{name} is {tensor.dtype}, but {of} is {parameter.dtype}")
        if key in KNOWN and not tensor.is_floating_point():
            raise ValueError(f"optimizer/{name} is {tensor.dtype}, but must be floating-point")
        _reject_nan(f"optimizer/{name}", tensor)
        states.setdefault(int(number), {})[key] = tensor
    return states


def check_random_state(state: Tensor) -> None:
    """Raise if a tensor is not a state of torch's random generator.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_random_state(torch.zeros(3))
    Traceback (most recent call last):
    ValueError: random/torch is torch.float32 of shape (3,), not the state of torch's generator
    """
    now = torch.get_rng_state()
    try:
        torch.Generator().set_state(state)
    except (RuntimeError, TypeError):
        pass
    else:
        if state.shape == now.shape and state.dtype == now.dtype:
            return
    raise ValueError(f"random/torch is {state.dtype} of shape {tuple(state.shape)}, not the state of torch's generator")


def _reject_nan(name: str, tensor: Tensor) -> None:
    if tensor.is_floating_point() and (n_bad := int(torch.isnan(tensor).sum())):
        raise ValueError(f"{name} has {n_bad} NaN values")
