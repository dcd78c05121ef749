"""Identifying layers by name if there is no configuration: embeddings, heads, and blocks of the LLaMA family."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import torch
from torch import nn

from topolearn.errors import InvalidValueError
from topolearn.graph import NeuronGroup
from topolearn.graph.groups import Shapes

EMBEDDINGS = {"wte", "wpe", "shared", "relative_attention_bias"}
HEADS = {"lm_head", "embed_out"}
CONV1D = {"c_attn", "q_attn", "c_fc", "c_proj"}  # in GPT-2, with weights of the shape (n_in, n_out)
# Query, key, value, output, and the pairs of rotary positions; for LLaMA, and for BART and `topolearn.Attention`.
ATTENTION: tuple[tuple[str, str, str, str, Literal["halves"] | None], ...] = (
    ("q_proj", "k_proj", "v_proj", "o_proj", "halves"),
    ("q_proj", "k_proj", "v_proj", "out_proj", None),
)
GATED = ("gate_proj", "up_proj", "down_proj")


def kind_by_name(name: str) -> str:
    """Return "head", "embedding" or "layer", depending on the last word of a name.

    Examples
    --------
    >>> [kind_by_name(name) for name in ("lm_head", "model.embed_tokens", "embed.0.q_proj")]
    ['head', 'embedding', 'layer']
    """
    last = name.rpartition(".")[2]
    if last in HEADS:
        return "head"
    return "embedding" if last in EMBEDDINGS or "embed" in last else "layer"


def transposed_by_name(shapes: Shapes) -> frozenset[str]:
    """Return the layers of a GPT-2, in which ``c_attn`` has three times as many columns as rows.

    Other programs use the same names for weights of the shape (n_out, n_in).

    Examples
    --------
    >>> sorted(transposed_by_name({"h.0.attn.c_attn": (8, 24), "h.0.attn.c_proj": (8, 8), "wte": (50, 8)}))
    ['h.0.attn.c_attn', 'h.0.attn.c_proj']
    >>> transposed_by_name({"h.0.attn.c_attn": (24, 8), "h.0.attn.c_proj": (8, 8)})
    frozenset()
    """
    last = {name: name.rpartition(".")[2] for name in shapes}
    is_gpt2 = any(last[name] == "c_attn" and shape[1] == 3 * shape[0] for name, shape in shapes.items())
    return frozenset(name for name in shapes if is_gpt2 and last[name] in CONV1D)


def blocks_by_name(shapes: Shapes, names: Iterable[str], n_heads: int) -> tuple[nn.Module, Mapping[str, nn.Module]]:
    """Return modules that represent the attention and gated blocks of a checkpoint, and their layers by name.

    Each block declares its neuron groups; layers have no weights. Queries and keys form no group if their block has
    other weights, such as a normalisation, which couples the coordinates of a head.

    Parameters
    ----------
    shapes : Mapping of str to (int, int)
        Number of outputs and inputs of each layer.
    names : iterable of str
        The names of all tensors.
    n_heads : int
        Number of heads of queries; keys and values may have fewer.

    Raises
    ------
    InvalidValueError
        When the heads do not fit, or no block is known.

    Examples
    --------
    >>> names = ["a.gate_proj", "a.up_proj", "a.down_proj"]
    >>> blocks, layers = blocks_by_name({name: (4, 4) for name in names}, [f"{name}.weight" for name in names], 2)
    >>> list(layers) == names, blocks[0].neuron_groups[0].readers
    (True, ('down_proj',))
    """
    if not isinstance(n_heads, int) or isinstance(n_heads, bool) or n_heads < 1:
        raise InvalidValueError(f"n_heads={n_heads!r}: pass the number of attention heads of queries, 1 or more")
    within: dict[str, set[str]] = {}
    for name in names:
        if name.endswith(".weight"):
            prefix, _, child = name.removesuffix(".weight").rpartition(".")
            within.setdefault(prefix, set()).add(child)
    blocks, layers = nn.ModuleList(), dict[str, nn.Module]()
    for prefix, weighted in within.items():
        for children, groups in _groups(weighted, n_heads):
            full = {child: f"{prefix}.{child}".removeprefix(".") for child in children}
            if not all(name in shapes for name in full.values()):
                continue
            block = _block({child: shapes[name] for child, name in full.items()}, groups, prefix)
            blocks.append(block)
            layers |= {name: block.get_submodule(child) for child, name in full.items()}
    if not layers:
        raise InvalidValueError(
            f"n_heads={n_heads}, but no layers are called {', '.join(ATTENTION[0][:4])} or {', '.join(GATED)}: omit "
            "n_heads"
        )
    return blocks, layers


def _groups(weighted: set[str], n_heads: int) -> Iterator[tuple[tuple[str, ...], list[NeuronGroup]]]:
    """Yield the layers and groups of each block that a module with these weights can contain."""
    for q, k, v, output, rotary in ATTENTION:
        values = NeuronGroup((v,), (output,), heads=n_heads)
        scores = NeuronGroup((q, k), (), "all", heads=n_heads, rotary=rotary)
        yield (q, k, v, output), [scores, values] if weighted == {q, k, v, output} else [values]
    if weighted == set(GATED):
        yield GATED, [NeuronGroup(GATED[:2], GATED[2:], "all")]


def _block(shapes: Shapes, groups: list[NeuronGroup], path: str) -> nn.Module:
    """Return a module with layers of these shapes that declares their groups."""
    for group in groups:
        try:
            group.check(shapes)
        except InvalidValueError as error:
            raise InvalidValueError(f"n_heads={groups[-1].heads} does not fit {path!r}: {error}") from None
    block = nn.Module()
    with torch.device("meta"):
        for child, (n_out, n_in) in shapes.items():
            block.add_module(child, nn.Linear(n_in, n_out, bias=False))
    block.neuron_groups = groups  # type: ignore[assignment]  # the attribute in which modules declare groups
    return block
