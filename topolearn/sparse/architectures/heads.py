"""Attention of Hugging Face models without rotary positions, recognised by the names of its four linear layers."""

import inspect
from collections.abc import Sequence

from torch import nn

from topolearn.graph import NeuronGroup
from topolearn.sparse.conversion.dense_layers import is_linear, shape_of

# Query, key, value and output in the BART family (OPT, CLIP, Whisper), ViT, T5, DistilBERT and BERT.
PROJECTIONS: Sequence[tuple[str, str, str, str]] = (
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("q", "k", "v", "o"),
    ("q_lin", "k_lin", "v_lin", "out_lin"),
    ("self.query", "self.key", "self.value", "output.dense"),
)
HEADS = ("num_heads", "n_heads", "num_attention_heads")
ADDED_TO_SCORES = "relative_attention_bias"  # in T5, one number per head
SHARED = {"ALL_ATTENTION_FUNCTIONS", "scaled_dot_product_attention"}  # compute scores from only queries and keys


def plain_attention(module: nn.Module) -> Sequence[NeuronGroup] | None:
    """Return the groups of attention: queries times keys, coordinate by coordinate, and values to the output layer.

    The module's forward must pass them to one of the functions that the models share, without rotary positions, and
    apart from the projections only a bias of the scores may have weights.
    """
    for names in PROJECTIONS:
        try:
            q, k, v, output = (module.get_submodule(name) for name in names)
            inner = module.get_submodule(names[0].rpartition(".")[0])
        except AttributeError:
            continue
        own = {name.rpartition(".")[2] for name in names if name.rpartition(".")[0] == names[0].rpartition(".")[0]}
        weighted = {name for name, child in inner.named_children() if any(True for _ in child.parameters())}
        n_heads = next((n for name in HEADS if isinstance(n := getattr(inner, name, None), int)), None)
        if not all(is_linear(layer) for layer in (q, k, v, output)) or n_heads is None:
            return None
        if weighted - {ADDED_TO_SCORES} != own or any(True for _ in inner.parameters(recurse=False)):
            return None
        widths = {shape_of(layer)[0] for layer in (q, k, v)} | {shape_of(output)[1]}
        if len(widths) > 1 or widths.pop() % n_heads or not _meets_coordinates(inner):
            return None
        return [
            NeuronGroup(names[:2], (), combine="all", heads=n_heads),
            NeuronGroup(names[2:3], names[3:], heads=n_heads),
        ]
    return None


def _meets_coordinates(module: nn.Module) -> bool:
    """Return whether a module's forward passes queries and keys on unchanged."""
    forward = inspect.unwrap(type(module).forward)  # not a decorator, which has its own names
    names = set(getattr(getattr(forward, "__code__", None), "co_names", ()))
    return bool(names & SHARED) and not any("rot" in name.lower() for name in names)
