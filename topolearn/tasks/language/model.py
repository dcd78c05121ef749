"""The language model: ``Llama`` of transformers, built from a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from topolearn.errors import InvalidValueError
from topolearn.evolution import sparsify
from topolearn.sampling import torch_draws_from
from topolearn.tasks.language.config import BF16_TRUE
from topolearn.tasks.packages import hf_package

if TYPE_CHECKING:
    from topolearn.tasks.language.config import LanguageConfig
    from topolearn.tasks.language.tokenizer import Tokenizer

HASH = "tokenizer_hash"  # in the configuration of a model
DEVIATION = 0.02  # standard deviation of initial weights


def build_model(config: LanguageConfig, tokenizer: Tokenizer) -> Any:
    """Return the model at the start of training: drawn from N(0, 0.02²), then made sparse by the method.

    Embeddings and head stay dense and are not tied. With precision "bf16-true" all parameters are rounded to bf16.

    Parameters
    ----------
    config : LanguageConfig
        Its seed determines weights and links.
    tokenizer : Tokenizer
        Its hash is stored in the model's configuration, and so in its checkpoints.

    Returns
    -------
    transformers.LlamaForCausalLM
    """
    with torch_draws_from(config.seed):  # transformers draws weights, too
        model = dense_model(config, tokenizer.n_tokens, tokenizer.end)
    setattr(model.config, HASH, tokenizer.hash)
    draw_weights(model, torch.Generator().manual_seed(config.seed))
    batch = config.window * config.batch_windows
    model = sparsify(
        model, config.build_method(), backend=config.backend, init=config.init, seed=config.seed, batch=batch
    )
    return model.to(torch.bfloat16) if config.precision == BF16_TRUE else model


def check_fits(model: Any, tokenizer: Tokenizer) -> None:
    """Raise if a model was trained with another tokenizer, or has fewer tokens.

    Raises
    ------
    InvalidValueError
    """
    known, n_tokens = getattr(model.config, HASH, None), int(model.config.vocab_size)
    if tokenizer.n_tokens > n_tokens:
        raise InvalidValueError(
            f"the tokenizer has {tokenizer.n_tokens} tokens and the model {n_tokens}: use the tokenizer of the model's "
            "own run"
        )
    if known not in (None, tokenizer.hash):
        raise InvalidValueError(
            f"the model was trained with another tokenizer (hash {known[:12]}, this one has {tokenizer.hash[:12]}): "
            "use the tokenizer of the model's own run"
        )


def dense_model(config: LanguageConfig, n_tokens: int, end: int = 0) -> Any:
    """Return the dense model, with the weights that transformers draws.

    Raises
    ------
    MissingPackageError
        When transformers is not installed.
    """
    library = hf_package("transformers")
    settings = library.LlamaConfig(
        vocab_size=n_tokens, hidden_size=config.width, intermediate_size=config.hidden,
        num_hidden_layers=config.layers, num_attention_heads=config.heads,
        num_key_value_heads=config.kv_heads or config.heads, max_position_embeddings=config.window,
        rms_norm_eps=1e-6, initializer_range=DEVIATION, tie_word_embeddings=False, attention_dropout=config.dropout,
        bos_token_id=end, eos_token_id=end, pad_token_id=None, use_cache=False,
    )  # fmt: skip
    return library.LlamaForCausalLM(settings)


@torch.no_grad()
def draw_weights(model: nn.Module, generator: torch.Generator) -> None:
    r"""Draw all matrices from :math:`N(0, 0.02^2)`, including embeddings and head; norms start at 1."""
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.normal_(0.0, DEVIATION, generator=generator)
