"""`Attention`: attention with a linear layer of its own for each of query, key, value and output."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from topolearn.checks import check_share, check_size
from topolearn.sparse.attention_product import added_mask, attend, check_heads, check_inputs
from topolearn.sparse.packed_attention import start_as_packed, unpacked_parameters

# By the dimension of the batch: from (.., .., heads, d) to (batch, heads, length, d), and back.
TO_HEADS = {0: (0, 2, 1, 3), 1: (1, 2, 0, 3)}
FROM_HEADS = {0: (0, 2, 1, 3), 1: (2, 0, 1, 3)}


class Attention(nn.Module):
    r"""Multi-head attention whose four projections are linear layers, which `topolearn.sparsify` can make sparse.

    .. math:: \text{head}_h = \text{softmax}\left(\frac{q_h k_g^T}{\sqrt{d}} + \text{mask}\right) v_g, \quad
              y = [\text{head}_1, \dots, \text{head}_H] \, W_o^T + b_o

    with :math:`q = x_q W_q^T + b_q`, and likewise k and v, cut into heads of :math:`d` coordinates. Query head h reads
    key and value head :math:`g = \lfloor h \cdot \text{num\_kv\_heads} / \text{num\_heads} \rfloor`. Arguments, outputs
    and masks are those of `torch.nn.MultiheadAttention`, whose place it can take; `topolearn.unpack_attention` puts it
    there. Attention of Vaswani et al., "Attention Is All You Need" (2017); grouped heads of Ainslie et al., "GQA"
    (2023).

    Parameters
    ----------
    embed_dim : int
        Features of the queries and of the output.
    num_heads : int
        Query heads; it divides embed_dim.
    dropout : float
        Share of the attention weights that are set to 0 while training.
    bias : bool
        Whether the four layers have biases; they start at 0.
    kdim, vdim : int, optional
        Features of the keys and of the values; default embed_dim.
    batch_first : bool
        Whether inputs and output are (batch, length, features), or (length, batch, features).
    device, dtype
        As for `torch.nn.Linear`.
    num_kv_heads : int, optional
        Heads of the keys and values, grouped-query attention; it divides num_heads, which is the default.

    Attributes
    ----------
    q_proj, k_proj, v_proj, out_proj : torch.nn.Module
        The projections: `torch.nn.Linear`, or `SparseLinear` once they are sparse.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When a size is not a positive integer, heads do not divide, or dropout is not a share.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> attention = tl.Attention(64, num_heads=8, num_kv_heads=2, batch_first=True)
    >>> x = torch.randn(3, 10, 64)
    >>> y, weights = attention(x, x, x, is_causal=True)
    >>> y.shape, weights.shape, attention.k_proj.out_features
    (torch.Size([3, 10, 64]), torch.Size([3, 10, 10]), 16)
    >>> tl.sparsify(attention, tl.method("set", density=0.1), exclude=[]).q_proj.n_links
    410
    """

    # torch's Transformer layers read these of their attention. So they learn that there are no packed weights, and
    # leave their fused path, which would compute without the projections.
    in_proj_weight = None
    in_proj_bias = None
    _qkv_same_embed_dim = False

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        num_kv_heads: int | None = None,
    ) -> None:
        super().__init__()
        self.embed_dim = check_size("embed_dim", embed_dim)
        self.kdim = self.embed_dim if kdim is None else check_size("kdim", kdim)
        self.vdim = self.embed_dim if vdim is None else check_size("vdim", vdim)
        self.num_heads = check_heads("num_heads", num_heads, "embed_dim", self.embed_dim)
        self.num_kv_heads = self.num_heads
        if num_kv_heads is not None:
            self.num_kv_heads = check_heads("num_kv_heads", num_kv_heads, "num_heads", self.num_heads)
        self.head_dim = self.embed_dim // self.num_heads
        self.dropout = check_share("dropout", dropout)
        self.batch_first = batch_first
        of_kv = self.num_kv_heads * self.head_dim
        q = nn.Linear(self.embed_dim, self.embed_dim, bias, device, dtype)
        k = nn.Linear(self.kdim, of_kv, bias, device, dtype)
        v = nn.Linear(self.vdim, of_kv, bias, device, dtype)
        output = nn.Linear(self.embed_dim, self.embed_dim, bias, device, dtype)
        start_as_packed(q, k, v, output)
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = q, k, v, output

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output and the attention weights.

        Parameters
        ----------
        query, key, value : Tensor, shapes (L, N, embed_dim), (S, N, kdim) and (S, N, vdim)
            N and the length change places with ``batch_first``; without N, for one sequence, they have 2 dimensions.
        key_padding_mask : Tensor, optional, shape (N, S)
            Keys that no query sees (bool, True), or what is added to their scores (float).
        need_weights : bool
            Whether the weights are returned. They cost time and memory: without them,
            `torch.nn.functional.scaled_dot_product_attention` never makes them.
        attn_mask : Tensor, optional, shape (L, S) or (N * num_heads, L, S)
            Pairs of query and key that do not see each other (bool, True), or what is added to their scores (float).
        average_attn_weights : bool
            Whether the weights are the mean over the heads, shape (N, L, S), or those of each, (N, num_heads, L, S).
        is_causal : bool
            Query i sees the keys up to i; an ``attn_mask`` that is given besides must be this very mask.

        Returns
        -------
        tuple of Tensor, shape of query, and Tensor or None
            The weights are None unless they are needed; while training they are those after dropout. For a query that
            sees no key, weights and output are NaN, as in torch; when no weights are needed, its heads are 0.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When shapes do not belong together, a mask is neither bool nor float, or an input is a nested tensor.
        """
        batch, single = (0 if self.batch_first else 1), query.dim() == 2
        check_inputs(query, key, value, batch, self.num_heads, key_padding_mask, attn_mask)
        if single:
            query, key, value = (x.unsqueeze(batch) for x in (query, key, value))
            key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        q, k, v = (
            layer(x).unflatten(-1, (-1, self.head_dim)).permute(TO_HEADS[batch])
            for layer, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        # The kernel masks later keys by itself, which is faster, unless there is more to mask or to return.
        by_hint = is_causal and not need_weights and key_padding_mask is None
        mask = None if by_hint else added_mask(q, k, key_padding_mask, attn_mask, is_causal)
        dropout = self.dropout if self.training else 0.0
        heads, weights = attend(q, k, v, mask, is_causal=by_hint, dropout=dropout, need_weights=need_weights)
        output = self.out_proj(heads.permute(FROM_HEADS[batch]).flatten(2))
        if weights is not None and average_attn_weights:
            weights = weights.mean(dim=1)
        if single:
            return output.squeeze(batch), None if weights is None else weights.squeeze(0)
        return output, weights

    @classmethod
    def from_multihead(cls, module: nn.MultiheadAttention) -> Attention:
        """Return attention with copies of the weights that a `torch.nn.MultiheadAttention` packs.

        Outputs are the same up to rounding; dtype, device, ``requires_grad`` and training mode are kept, hooks are not.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When it is another module, a subclass, or has ``add_bias_kv`` or ``add_zero_attn``.

        Examples
        --------
        >>> import torch, topolearn as tl
        >>> packed, x = torch.nn.MultiheadAttention(16, 4), torch.randn(5, 2, 16)
        >>> torch.allclose(tl.Attention.from_multihead(packed)(x, x, x)[0], packed(x, x, x)[0], atol=1e-6)
        True
        """
        unpacked = unpacked_parameters(module)
        has_bias = module.in_proj_bias is not None
        sizes = (module.embed_dim, module.num_heads, module.dropout, has_bias, module.kdim, module.vdim)
        attention = cls(*sizes, module.batch_first, device="meta")
        for layer, (weight, bias) in zip(attention.children(), unpacked, strict=True):
            layer.register_parameter("weight", weight)
            layer.register_parameter("bias", bias)
        return attention.train(module.training)

    def extra_repr(self) -> str:
        """Return what ``print(model)`` shows of the heads."""
        grouped = "" if self.num_kv_heads == self.num_heads else f", num_kv_heads={self.num_kv_heads}"
        return f"num_heads={self.num_heads}{grouped}, dropout={self.dropout}, batch_first={self.batch_first}"
