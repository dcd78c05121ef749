"""The computation of `Attention` between its projections: input and mask checks, and the products of the heads."""

import math
from numbers import Integral

import torch
from torch import Tensor
from torch.nn import functional as F

from topolearn.errors import InvalidTypeError, InvalidValueError


def check_heads(name: str, n: int, name_of_all: str, n_all: int) -> int:
    """Return a number of heads as an int.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When it is not a positive integer that divides ``n_all``.
    """
    if isinstance(n, bool) or not isinstance(n, Integral):
        raise InvalidTypeError(f"{name}={n!r} must be an integer")
    if n < 1 or n_all % n:
        divisors = [d for d in range(1, n_all + 1) if n_all % d == 0]
        raise InvalidValueError(f"{name}={n} must divide {name_of_all}={n_all}: use one of {divisors}")
    return int(n)


def check_inputs(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    batch: int,
    n_heads: int,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
) -> None:
    """Raise for inputs and masks of attention that do not match.

    Parameters
    ----------
    query, key, value : Tensor
        With 3 dimensions, or 2 for a single sequence.
    batch : int
        The batch dimension, if there are 3.
    n_heads : int
        Number of query heads.
    key_padding_mask, attn_mask : Tensor, optional

    Raises
    ------
    InvalidTypeError, InvalidValueError
        See `Attention.forward`.
    """
    inputs = (query, key, value)
    if any(x.is_nested for x in inputs):
        raise InvalidTypeError(
            "attention does not support nested tensors: pad them, and in an nn.TransformerEncoder set "
            "use_nested_tensor = False, as unpack_attention(model) does"
        )
    shapes = ", ".join(str(tuple(x.shape)) for x in inputs)
    if query.dim() not in (2, 3) or not query.dim() == key.dim() == value.dim():
        raise InvalidValueError(f"query, key and value have shapes {shapes}: all must have 3 dimensions, or all 2")
    n, s = (1, key.shape[0]) if query.dim() == 2 else (key.shape[batch], key.shape[1 - batch])
    n_queries, length = (1, query.shape[0]) if query.dim() == 2 else (query.shape[batch], query.shape[1 - batch])
    if n_queries != n or key.shape[:-1] != value.shape[:-1]:
        raise InvalidValueError(
            f"query, key and value have shapes {shapes}, with the batch in dimension {batch}: all need the same batch "
            "size, and key and value the same length"
        )
    padding_shape = (s,) if query.dim() == 2 else (n, s)
    _check_mask("key_padding_mask", key_padding_mask, [padding_shape])
    _check_mask("attn_mask", attn_mask, [(length, s), (n * n_heads, length, s)])


def _check_mask(name: str, mask: Tensor | None, shapes: list[tuple[int, ...]]) -> None:
    if mask is None:
        return
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise InvalidTypeError(f"{name} is {mask.dtype}, but must be bool or float: use {name}.bool()")
    if tuple(mask.shape) not in shapes:
        allowed = " or ".join(map(str, shapes))
        raise InvalidValueError(f"{name} has shape {tuple(mask.shape)}: it must be {allowed}")


def added_mask(
    q: Tensor, k: Tensor, key_padding_mask: Tensor | None, attn_mask: Tensor | None, is_causal: bool
) -> Tensor | None:
    """Return the sum that all masks add to the scores, broadcastable to (N, heads, L, S), or None without masks.

    Examples
    --------
    >>> x = torch.zeros(1, 1, 2, 4)
    >>> added_mask(x, x, torch.tensor([[False, False]]), None, is_causal=True)
    tensor([[[[0., -inf],
              [0., 0.]]]])
    """
    n, n_heads, length = q.shape[:3]
    if is_causal and attn_mask is None:
        attn_mask = torch.ones(length, k.shape[2], dtype=torch.bool, device=q.device).triu(1)
    masks = []
    if attn_mask is not None:
        masks.append(attn_mask[None, None] if attn_mask.dim() == 2 else attn_mask.unflatten(0, (n, n_heads)))
    if key_padding_mask is not None:
        masks.append(key_padding_mask[:, None, None])
    added = [_added(mask, q.dtype) for mask in masks]
    return sum(added[1:], added[0]) if added else None


def _added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    if mask.dtype == torch.bool:
        return torch.zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf)
    return mask.to(dtype)


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, is_causal: bool, dropout: float, need_weights: bool
) -> tuple[Tensor, Tensor | None]:
    r"""Return :math:`\text{softmax}(q k^T / \sqrt{d} + \text{mask}) \, v`, and the weights if they are needed.

    Parameters
    ----------
    q : Tensor, shape (N, heads, L, d)
    k, v : Tensor, shape (N, kv_heads, S, d)
        Each of their heads serves ``heads / kv_heads`` consecutive query heads.
    mask : Tensor, optional
        Added to the scores.
    is_causal : bool
        Whether query i attends only to the keys up to i; only without a mask, and if no weights are needed.
    dropout : float
        Share of the weights that are set to 0.
    need_weights : bool

    Returns
    -------
    tuple of Tensor, shape of q, and Tensor of shape (N, heads, L, S), or None
    """
    n_each = q.shape[1] // k.shape[1]
    if n_each > 1 and (need_weights or mask is not None):
        # Not every kernel of torch supports grouped heads together with a mask; without a mask, none copies k and v.
        k, v = k.repeat_interleave(n_each, dim=1), v.repeat_interleave(n_each, dim=1)
    if not need_weights:
        grouped = q.shape[1] != k.shape[1]
        return F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal, enable_gqa=grouped), None
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-2, -1)
    weights = torch.softmax(scores if mask is None else scores + mask, dim=-1)
    weights = F.dropout(weights, dropout)
    return weights @ v, weights
