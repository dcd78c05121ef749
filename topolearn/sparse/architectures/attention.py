"""topolearn's own `Attention`, in self-attention and cross-attention."""

from collections.abc import Sequence

from torch import nn

from topolearn.graph import NeuronGroup
from topolearn.sparse.attention.module import Attention


def attention(module: nn.Module) -> Sequence[NeuronGroup] | None:
    """Return the groups of `topolearn.Attention`: queries times keys, and values to the output layer.

    A coordinate of a head contributes to the scores when both its query and its key have a link. Where several query
    heads share a head of keys and values, its coordinates are needed as long as one of the query heads needs them.

    References
    ----------
    Zhang et al., appendix E.

    Examples
    --------
    >>> [str(group) for group in attention(Attention(16, 4)) or ()]
    ['(q_proj, k_proj -> )', '(v_proj -> out_proj)']
    """
    if not isinstance(module, Attention) or type(module).forward is not Attention.forward:
        return None
    return [
        NeuronGroup(("q_proj", "k_proj"), (), combine="all", heads=module.num_heads),
        NeuronGroup(("v_proj",), ("out_proj",), heads=module.num_heads),
    ]
