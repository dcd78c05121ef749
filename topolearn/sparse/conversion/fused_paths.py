"""torch's Transformer layers without their fused evaluation, which reads weights that csr layers do not have."""

from torch import nn

from topolearn.sparse.csr import CsrLinear


def leave_fused_paths(model: nn.Module) -> None:
    """Let torch's encoder layers with csr layers call these in evaluation, too, in place.

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
        if isinstance(module, nn.TransformerEncoderLayer) and _has_csr(module):
            module.activation_relu_or_gelu = 0
        if isinstance(module, nn.TransformerEncoder) and _has_csr(module):
            module.use_nested_tensor = False


def _has_csr(module: nn.Module) -> bool:
    return any(isinstance(each, CsrLinear) for each in module.modules())
