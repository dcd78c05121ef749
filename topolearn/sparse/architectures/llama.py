"""Attention and gated layers of the LLaMA family in Hugging Face models, recognised by structure."""

import inspect
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from topolearn.graph import NeuronGroup
from topolearn.sparse.architectures.activation import vanishing_activation
from topolearn.sparse.conversion.dense_layers import is_linear, shape_of

ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
NORMS = {"q_norm", "k_norm"}
GATED = {"gate_proj", "up_proj", "down_proj"}


def rotary_attention(module: nn.Module) -> Sequence[NeuronGroup] | None:
    """Return the groups of attention with rotary positions: queries times keys, and values to the output layer.

    The module has the linear layers ``q_proj``, ``k_proj``, ``v_proj`` and ``o_proj``, and nothing else with weights;
    an attribute ``head_dim``; and, in the globals of its ``forward``, a function ``rotate_half`` that shows which
    coordinates are rotated into each other. Where queries and keys are normalised (Qwen3), which couples the
    coordinates of a head, or only part of a head is rotated, only values and output form a group.

    References
    ----------
    Zhang et al., appendix E; Su et al. (2021), "RoFormer", for rotary positions; Ainslie et al. (2023), "GQA", for
    heads that share keys and values.
    """
    norms = _weighted_children(module) - ATTENTION
    width, rotary = getattr(module, "head_dim", None), _rotary(module)
    if norms - NORMS or not _are_linear(module, ATTENTION) or not isinstance(width, int) or rotary is None:
        return None
    heads = shape_of(module.get_submodule("o_proj"))[1] // width
    values = NeuronGroup(("v_proj",), ("o_proj",), heads=heads)
    if norms or not _rotates_all(getattr(module, "config", None)):
        return [values]
    return [NeuronGroup(("q_proj", "k_proj"), (), combine="all", heads=heads, rotary=rotary), values]


def gated(module: nn.Module) -> Sequence[NeuronGroup] | None:
    """Return the group of a gated layer, ``down_proj(act_fn(gate_proj(x)) * up_proj(x))``.

    The activation must be 0 at 0, so that a neuron without a gate has no output.

    References
    ----------
    Shazeer (2020), "GLU variants improve Transformer"; Zhang et al., appendix E.
    """
    if _weighted_children(module) != GATED or not _are_linear(module, GATED) or not vanishing_activation(module):
        return None
    return [NeuronGroup(("gate_proj", "up_proj"), ("down_proj",), combine="all")]


def _weighted_children(module: nn.Module) -> set[str]:
    """Return the names of a module's children that have weights, and of its own parameters."""
    weighted = {name for name, child in module.named_children() if any(True for _ in child.parameters())}
    return weighted | {name for name, _ in module.named_parameters(recurse=False)}


def _are_linear(module: nn.Module, names: set[str]) -> bool:
    return all(is_linear(getattr(module, name, nn.Identity())) for name in names)


def _rotary(module: nn.Module) -> Literal["halves", "neighbours"] | None:
    """Return which coordinates are paired by the function that the module's forward knows as ``rotate_half``."""
    forward = inspect.unwrap(type(module).forward)  # not a decorator, whose globals are those of another file
    rotate = getattr(forward, "__globals__", {}).get("rotate_half")  # compiled code has none
    if rotate is None:
        return None
    partner = rotate(torch.arange(4.0)).abs().tolist()
    pairings: dict[Literal["halves", "neighbours"], list[float]] = {"halves": [2, 3, 0, 1], "neighbours": [1, 0, 3, 2]}
    return next((name for name, pairs in pairings.items() if pairs == partner), None)


def _rotates_all(config: object) -> bool:
    """Whether rotary positions rotate all coordinates of a head."""
    parameters = getattr(config, "rope_parameters", None) or {}
    shares = (getattr(config, "partial_rotary_factor", None), parameters.get("partial_rotary_factor"))
    return all(share in (None, 1.0) for share in shares)
