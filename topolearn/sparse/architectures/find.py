"""Finds the neuron groups of a model."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from torch import nn

from topolearn.errors import InvalidTypeError, UnknownNameError
from topolearn.graph import NeuronGroup
from topolearn.registry import Registry, suggest
from topolearn.sparse.architectures.attention import attention
from topolearn.sparse.architectures.heads import plain_attention
from topolearn.sparse.architectures.hidden_layer import hidden_layer
from topolearn.sparse.architectures.llama import gated, rotary_attention
from topolearn.sparse.architectures.sequence import sequence
from topolearn.sparse.architectures.transformer import feed_forward
from topolearn.sparse.conversion.dense_layers import is_linear

Rule = Callable[[nn.Module], Sequence[NeuronGroup] | None]

# Each rule maps a module to the groups among its linear layers, by their names in it; None for other kinds of modules.
ARCHITECTURES: Registry[Rule] = Registry(
    "architecture",
    {
        "sequence": sequence,
        "attention": attention,
        "transformer_feed_forward": feed_forward,
        "llama_attention": rotary_attention,
        "llama_feed_forward": gated,
        "plain_attention": plain_attention,
        "hidden_layer": hidden_layer,
    },
)


def neuron_groups(model: nn.Module, layers: Mapping[str, nn.Module]) -> list[NeuronGroup]:
    """Return the neuron groups between layers of a model, both declared and automatically found ones.

    A module declares groups with an attribute or method ``neuron_groups``, which names layers by their names in this
    module. Other groups are found with `ARCHITECTURES`: in `torch.nn.Sequential`, in the layers of
    `torch.nn.Transformer`, in `topolearn.Attention`, and in the attention and hidden layers of Hugging Face models from
    the families of LLaMA, BART, BERT, ViT and T5; for models that pack queries, keys and values into one layer, such
    as GPT-2 and GPT-NeoX, only in hidden layers. Declared groups take precedence. The residual stream, and any layer
    that no group names, is never tested.

    Neurons that a dense layer writes to count as driven, and neurons that a dense layer reads count as read. A layer
    that occurs at several places in the model is in no automatically found group, unless the whole group occurs there
    with it, because its neurons meet others elsewhere.

    Parameters
    ----------
    model : torch.nn.Module
    layers : Mapping of str to torch.nn.Module
        The layers that are, or will become, sparse, by name.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When a declaration is not a list of groups, or names something that is not a linear layer.

    Examples
    --------
    Declare the groups of a custom gated layer:

    >>> import torch, topolearn as tl
    >>> class Gated(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.a, self.b, self.c = torch.nn.Linear(8, 16), torch.nn.Linear(8, 16), torch.nn.Linear(16, 8)
    >>> model = torch.nn.Sequential(Gated(), Gated())
    >>> for block in model:
    ...     block.neuron_groups = [tl.NeuronGroup(("a", "b"), ("c",), combine="all")]
    >>> tl.topology_of(tl.sparsify(model, tl.method("chts", density=0.2), exclude=[])).groups[1].writers
    ('1.a', '1.b')
    """
    names = {id(layer): name for name, layer in layers.items()}
    groups: list[NeuronGroup] = []
    taken: set[tuple[str, str]] = set()
    for module, groups_of_module in (*_declared(model), *_same_everywhere(model, _recognised(model))):
        for group in groups_of_module:
            resolved = _resolved(group, module, names)
            ends = _ends(resolved) if resolved else set()
            if resolved and not ends & taken:
                groups.append(resolved)
                taken |= ends
    return groups


def without_groups(model: nn.Module, layers: Mapping[str, nn.Module], groups: Sequence[NeuronGroup]) -> list[str]:
    """Return the names of the layers that are neither in a group nor in a module that declares its groups."""
    known = {name for group in groups for name in group.layers}
    declared = {id(inner) for module, _ in _declared(model) for inner in module.modules()}
    return [name for name, layer in layers.items() if name not in known and id(layer) not in declared]


def _declared(model: nn.Module) -> Iterator[tuple[nn.Module, Sequence[NeuronGroup]]]:
    for module in model.modules():
        groups = getattr(module, "neuron_groups", None)
        groups = groups() if callable(groups) else groups
        if groups is None:
            continue
        if not isinstance(groups, (list, tuple)) or not all(isinstance(group, NeuronGroup) for group in groups):
            raise InvalidTypeError(
                f"{type(module).__name__}.neuron_groups is {groups!r}: make it a list of NeuronGroup(writers, readers)"
            )
        yield module, groups


def _recognised(model: nn.Module) -> Iterator[tuple[nn.Module, Sequence[NeuronGroup]]]:
    for module in model.modules():
        for rule in ARCHITECTURES.values():
            groups = rule(module)
            if groups is not None:
                yield module, groups


def _same_everywhere(
    model: nn.Module, recognised: Iterator[tuple[nn.Module, Sequence[NeuronGroup]]]
) -> Iterator[tuple[nn.Module, Sequence[NeuronGroup]]]:
    """Yield the groups whose layers occur no more often in the model than the module that contains them."""
    places = Counter(id(module) for _, module in model.named_modules(remove_duplicate=False))
    for module, groups in recognised:
        here = places[id(module)]
        yield module, [g for g in groups if all(places[id(_layer(n, g, module))] == here for n in g.layers)]


def _ends(group: NeuronGroup) -> set[tuple[str, str]]:
    return {(name, "writes") for name in group.writers} | {(name, "reads") for name in group.readers}


def _resolved(group: NeuronGroup, module: nn.Module, names: Mapping[int, str]) -> NeuronGroup | None:
    """Return a group with the names that its layers have among the sparse ones, or None if it tests nothing.

    Among writers that are multiplied, a dense one has no effect; if one of several writers that are summed is dense,
    all neurons are driven; if a reader is dense, all neurons are read.
    """
    writers = [names.get(id(_layer(name, group, module))) for name in group.writers]
    readers = [names.get(id(_layer(name, group, module))) for name in group.readers]
    is_whole = None not in (*writers, *readers)
    if not is_whole and (group.heads > 1 or (group.combine == "any" and None in writers)):
        return None
    sparse_writers = tuple(name for name in writers if name is not None)
    sparse_readers = () if None in readers else tuple(name for name in readers if name is not None)
    if not sparse_writers or (not sparse_readers and (group.combine == "any" or len(sparse_writers) < 2)):
        return None
    return replace(group, writers=sparse_writers, readers=sparse_readers)


def _layer(name: str, group: NeuronGroup, module: nn.Module) -> nn.Module:
    kind = type(module).__name__
    try:
        layer = module.get_submodule(name)
    except AttributeError:
        known = [path for path, each in module.named_modules() if is_linear(each)]
        raise UnknownNameError(f"group {group} of {kind} names {name!r}: {suggest(name, known)}") from None
    if not is_linear(layer):
        raise InvalidTypeError(
            f"group {group} of {kind} names {name!r}, which is a {type(layer).__name__}: name only linear layers"
        )
    return layer
