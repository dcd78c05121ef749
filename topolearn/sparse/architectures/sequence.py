"""Consecutive layers of a `torch.nn.Sequential`."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import nn

from topolearn.graph import NeuronGroup
from topolearn.sparse.chains.sequential import ELEMENT_WISE, ChainedSequential
from topolearn.sparse.conversion.dense_layers import is_linear

# Modules that act on each neuron separately, so that the neurons before and after them are the same.
NEURON_WISE = (*ELEMENT_WISE, nn.PReLU, nn.BatchNorm1d)
FORWARDS = (nn.Sequential.forward, ChainedSequential.forward)


def sequence(module: nn.Module) -> Sequence[NeuronGroup] | None:
    """Return the groups of a `torch.nn.Sequential`: each linear layer writes to the next.

    Only activations, dropout and batch normalisation may be between the two. Nested sequences are part of the sequence.

    Examples
    --------
    >>> from torch import nn
    >>> inner = nn.Sequential(nn.Linear(3, 4))
    >>> sequence(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), inner, nn.Softmax(), nn.Linear(4, 2)))
    [NeuronGroup(writers=('0',), readers=('2.0',), combine='any', heads=1, rotary=None)]
    """
    if not _is_sequence(module):
        return None
    steps = [(name, each) for name, each in _flat(module) if not isinstance(each, NEURON_WISE)]
    return [
        NeuronGroup((first,), (second,)) for (first, a), (second, b) in pairwise(steps) if is_linear(a) and is_linear(b)
    ]


def _is_sequence(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward in FORWARDS


def _flat(sequence: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, child in sequence._modules.items():  # named_children skips repeated modules
        assert child is not None
        if _is_sequence(child):
            yield from _flat(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child
