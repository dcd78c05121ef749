"""`Attention`: attention with separate linear layers for query, key, value and output."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from topolearn.checks import check_share, check_size
from topolearn.sparse.attention.packed import start_as_packed, unpacked_parameters
from topolearn.sparse.attention.product import added_mask, attend, check_heads, check_inputs

# Permutations from (.., .., heads, d) to (batch, heads, length, d) and back, by the dimension of the batch.
TO_HEADS = {0: (0, 2, 1, 3), 1: (1, 2, 0, 3)}
FROM_HEADS = {0: (0, 2, 1, 3), 1: (2, 0, 1, 3)}


class Attention(nn.Module):
    r"""Multi-head attention whose four projections are linear layers, which `topolearn.sparsify` can make sparse.

    .. math:: \text{head}_h = \text{softmax}\left(\frac{q_h k_g^T}{\sqrt{d}} + \text{mask}\right) v_g, \quad
              y = [\text{head}_1, \dots, \text{head}_H] \, W_o^T + b_o

    with :math:`q = x_q W_q^T + b_q`, and likewise k and v, split into heads of :math:`d` coordinates. Query head h
    reads key and value head :math:`g = \lfloor h \cdot \text{num\_kv\_heads} / \text{num\_heads} \rfloor`. Arguments,
    outputs and masks are those of `torch.nn.MultiheadAttention`, so it can serve as a replacement, which
    `topolearn.unpack_attention` makes. The attention is that of Vaswani et al., "Attention Is All You Need" (2017);
    the grouped heads are those of Ainslie et al., "GQA" (2023).

    Parameters
    ----------
    embed_dim : int
        Number of features of the queries and of the output.
    num_heads : int
        Number of query heads; must divide embed_dim.
    dropout : float
        Share of the attention weights that are set to 0 during training.
    bias : bool
        Whether the four layers have biases, which start at 0.
    kdim, vdim : int, optional
        Numbers of features of the keys and of the values; default embed_dim.
    batch_first : bool
        Whether inputs and output are (batch, length, features) instead of (length, batch, features).
    device, dtype
        As for `torch.nn.Linear`.
    num_kv_heads : int, optional
        Number of key and value heads for grouped-query attention; must divide num_heads, the default.

    Attributes
    ----------
    q_proj, k_proj, v_proj, out_proj : torch.nn.Module
        The projections: `torch.nn.Linear`, or `SparseLinear` once they are sparse.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When a size is not a positive integer, a number of heads does not divide, or dropout is not in [0, 1].

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

    # torch's Transformer layers read these attributes of their attention. They show that there are no packed weights,
    # so the layers do not take their fused path, which would bypass the projections.
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
            With ``batch_first``, N comes before the length; for a single sequence without N, there are 2 dimensions.
        key_padding_mask : Tensor, optional, shape (N, S)
            A bool mask that is True for keys that no query attends to, or a float mask that is added to their scores.
        need_weights : bool
            Whether to return the weights, which costs time and memory: without them,
            `torch.nn.functional.scaled_dot_product_attention` never materialises them.
        attn_mask : Tensor, optional, shape (L, S) or (N * num_heads, L, S)
            A bool mask that is True where a query does not attend to a key, or a float mask that is added to the
            scores.
        average_attn_weights : bool
            Whether to return the mean of the weights over the heads, shape (N, L, S), instead of those of each head,
            (N, num_heads, L, S).
        is_causal : bool
            Whether query i attends only to the keys up to i; an ``attn_mask`` given as well must be this causal mask.

        Returns
        -------
        tuple of Tensor, shape of query, and Tensor or None
            The output and the weights. The weights are None unless they are needed; during training they are those
            after dropout. For a query that attends to no key, weights and output are NaN, as in torch; if no weights
            are needed, its heads are 0.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When shapes do not match, a mask is neither bool nor float, or an input is a nested tensor.
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
        # The kernel can mask later keys itself, which is faster, unless there is more to mask or to return.
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
        """Return attention with copies of the packed weights of a `torch.nn.MultiheadAttention`.

        Outputs are the same up to rounding; dtype, device, ``requires_grad`` and training mode are kept, hooks are not.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When the module is of another class, including subclasses, or uses ``add_bias_kv`` or ``add_zero_attn``.

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
        """Return what ``print(model)`` shows about the heads."""
        grouped = "" if self.num_kv_heads == self.num_heads else f", num_kv_heads={self.num_kv_heads}"
        return f"num_heads={self.num_heads}{grouped}, dropout={self.dropout}, batch_first={self.batch_first}"
