"""The feed-forward layers of `torch.nn.Transformer`."""

from collections.abc import Sequence

from torch import nn

from topolearn.graph import NeuronGroup

KINDS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


def feed_forward(module: nn.Module) -> Sequence[NeuronGroup] | None:
    """Return the group of a layer of `torch.nn.Transformer`: the first linear layer writes to the second.

    Attention gets its own groups once `topolearn.unpack_attention` has unpacked it.

    Examples
    --------
    >>> feed_forward(nn.TransformerEncoderLayer(8, 2, 32))[0].readers
    ('linear2',)
    """
    if any(isinstance(module, kind) and type(module).forward is kind.forward for kind in KINDS):
        return [NeuronGroup(("linear1",), ("linear2",))]
    return None
