"""torch's Transformer layers without their fused evaluation, which reads the weights of their layers itself."""

from torch import nn

from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.stored import StoredLinear


def leave_fused_paths(model: nn.Module) -> None:
    """Let torch's encoder layers call their sparse layers in evaluation, too, in place.

    A csr layer has no weight, and that of a stored layer has values off the links.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    >>> layer = tl.sparsify(layer, "set", backend="csr", exclude=["*out_proj"]).eval()
    >>> with torch.no_grad():
    ...     layer(torch.ones(1, 2, 32)).shape
    torch.Size([1, 2, 32])
    """
    for module in model.modules():
        if isinstance(module, nn.TransformerEncoderLayer) and _needs_calls(module):
            module.activation_relu_or_gelu = 0
        if isinstance(module, nn.TransformerEncoder) and _needs_calls(module):
            module.use_nested_tensor = False


def _needs_calls(module: nn.Module) -> bool:
    return any(isinstance(each, CsrLinear | StoredLinear) for each in module.modules())
