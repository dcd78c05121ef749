"""LLaMA: a decoder with rotary positions, grouped-query attention, RMSNorm and SwiGLU.

Parameters have the same names and shapes as in Hugging Face's ``LlamaForCausalLM``, so weights can be exchanged.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError


def rotate_half(x: Tensor) -> Tensor:
    """Rotate each pair of coordinates, i and i + width / 2, by a right angle."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


class RotaryAttention(nn.Module):
    """Causal self-attention with rotary positions; several query heads may share one key-value head.

    Parameters
    ----------
    width, n_heads, n_kv_heads : int
        Width of the residual stream, number of query heads, and number of key-value heads.
    base : float
        Base of the rotary frequencies.

    References
    ----------
    Su et al. (2021), "RoFormer"; Ainslie et al. (2023), "GQA".
    """

    def __init__(self, width: int, n_heads: int, n_kv_heads: int, base: float = 10000.0) -> None:
        super().__init__()
        if width % n_heads or (width // n_heads) % 2:
            raise InvalidValueError(f"width={width} cannot be divided into n_heads={n_heads} heads of even width")
        if n_heads % check_size("n_kv_heads", n_kv_heads):
            raise InvalidValueError(f"n_kv_heads={n_kv_heads} must divide n_heads={n_heads}")
        self.head_dim, self.base = width // n_heads, base
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, n_kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(width, n_kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the attention output, to be added to the residual stream x of shape (batch, positions, width)."""
        q, k = (self._turned(self._heads(layer(x))) for layer in (self.q_proj, self.k_proj))
        v = self._heads(self.v_proj(x))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def _turned(self, x: Tensor) -> Tensor:
        half = torch.arange(0, self.head_dim, 2, dtype=torch.float32, device=x.device)
        positions = torch.arange(x.shape[-2], dtype=torch.float32, device=x.device)
        angles = torch.outer(positions, self.base ** -(half / self.head_dim)).repeat(1, 2)
        return x * angles.cos().to(x.dtype) + rotate_half(x) * angles.sin().to(x.dtype)


class GatedFeedForward(nn.Module):
    """SwiGLU: ``down(silu(gate(x)) * up(x))``.

    References
    ----------
    Shazeer (2020), "GLU variants improve Transformer".
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)
        self.act_fn = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, to be added to the residual stream."""
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class LlamaLayer(nn.Module):
    """Attention and a gated feed-forward layer, each with pre-normalisation and a residual connection.

    Examples
    --------
    >>> layer = LlamaLayer(width=16, hidden=24, n_heads=4, n_kv_heads=2)
    >>> layer(torch.zeros(2, 5, 16)).shape
    torch.Size([2, 5, 16])
    """

    def __init__(self, width: int, hidden: int, n_heads: int, n_kv_heads: int | None = None, eps: float = 1e-6) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(width, eps)
        self.self_attn = RotaryAttention(width, n_heads, n_heads if n_kv_heads is None else n_kv_heads)
        self.post_attention_layernorm = nn.RMSNorm(width, eps)
        self.mlp = GatedFeedForward(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual stream after the layer."""
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """A language model of the LLaMA family, by default with the sizes of LLaMA-130M.

    Parameters
    ----------
    vocabulary, width, hidden, n_layers, n_heads : int
        Number of tokens, width of the residual stream, number of gated neurons, number of layers, and number of
        attention heads.
    n_kv_heads : int, optional
        Number of key-value heads; default ``n_heads``.
    eps : float
        Epsilon of RMSNorm.

    Raises
    ------
    InvalidValueError
        When a size is not positive, or the numbers of heads do not divide.

    References
    ----------
    Touvron et al. (2023), "LLaMA: open and efficient foundation language models"; Zhang et al., Table 7.

    Examples
    --------
    >>> model = Llama(vocabulary=50, width=16, hidden=24, n_layers=2, n_heads=4, n_kv_heads=2)
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 50])
    """

    def __init__(
        self,
        vocabulary: int = 32000,
        width: int = 768,
        hidden: int = 2048,
        n_layers: int = 12,
        n_heads: int = 12,
        n_kv_heads: int | None = None,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        sizes = {"vocabulary": vocabulary, "width": width, "hidden": hidden, "n_layers": n_layers, "n_heads": n_heads}
        for name, size in sizes.items():
            check_size(name, size)
        layers = [LlamaLayer(width, hidden, n_heads, n_kv_heads, eps) for _ in range(n_layers)]
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(vocabulary, width),
                "layers": nn.ModuleList(layers),
                "norm": nn.RMSNorm(width, eps),
            }
        )
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw embeddings and matrices from N(0, 0.02^2), as in Table 7."""
        matrices: Iterable[Tensor] = (p for p in self.parameters() if p.dim() == 2)
        for matrix in matrices:
            nn.init.normal_(matrix, std=0.02, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the next token at each position, shape (batch, positions, vocabulary)."""
        x = self.model["embed_tokens"](tokens)
        layers = self.model["layers"]
        assert isinstance(layers, nn.ModuleList)
        for layer in layers:
            x = layer(x)
        return self.lm_head(self.model["norm"](x))
