"""The translation model: ``M2M100`` of transformers, configured as the network of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from topolearn.evolution import sparsify
from topolearn.evolution.starting.admission import linear_layers
from topolearn.sampling import torch_draws_from
from topolearn.tasks.packages import hf_package
from topolearn.tasks.translation.vocabulary import BEGIN, END, PAD

if TYPE_CHECKING:
    from topolearn.tasks.translation.config import TranslationConfig
    from topolearn.tasks.translation.vocabulary import Vocabulary

IDLE = ("model.shared.weight",)  # created by transformers, but only used if embeddings are tied
HASH = "vocabulary_hash"  # in the configuration of a model
POSITIONS = 1024  # rows of sines and cosines; the maximum length of a sentence


def build_model(config: TranslationConfig, vocabulary: Vocabulary) -> Any:
    """Return the model at the start of training: drawn by Xavier's rule, then made sparse by the method.

    It is a pre-norm Transformer with sinusoidal positions, ReLU, scaled embeddings for each side, an output layer over
    the vocabulary, and separate layers for queries, keys, values and outputs. Embeddings and output layer share no
    weights and stay dense.

    Parameters
    ----------
    config : TranslationConfig
        Its seed determines weights and links.
    vocabulary : Vocabulary
        For both languages; its hash is stored in the model's configuration, and so in its checkpoints.

    Returns
    -------
    transformers.M2M100ForConditionalGeneration
    """
    with torch_draws_from(config.seed):  # transformers draws weights, too
        model = dense_model(config, vocabulary.n_source)
    setattr(model.config, HASH, vocabulary.hash)
    draw_weights(model, config.gain, torch.Generator().manual_seed(config.seed))
    return sparsify(
        model, config.build_method(), backend=config.backend, init=config.init, seed=config.seed,
        batch=config.batch_tokens,
    )  # fmt: skip


def dense_model(config: TranslationConfig, n_tokens: int) -> Any:
    """Return the dense model, with the weights that transformers draws.

    Raises
    ------
    MissingPackageError
        When transformers is not installed.
    """
    library = hf_package("transformers")
    settings = library.M2M100Config(
        vocab_size=n_tokens, pad_token_id=PAD, bos_token_id=BEGIN, eos_token_id=END, decoder_start_token_id=BEGIN,
        max_position_embeddings=POSITIONS,
        d_model=config.width, encoder_layers=config.encoder_layers, decoder_layers=config.decoder_layers,
        encoder_attention_heads=config.heads, decoder_attention_heads=config.heads,
        encoder_ffn_dim=config.feed_forward, decoder_ffn_dim=config.feed_forward, dropout=config.dropout,
        attention_dropout=config.dropout, activation_dropout=config.dropout, activation_function="relu",
        encoder_layerdrop=0.0, decoder_layerdrop=0.0, scale_embedding=True, tie_word_embeddings=False,
    )  # fmt: skip
    model = library.M2M100ForConditionalGeneration(settings)
    model.generation_config.max_length = None  # each call gives the length
    return model


@torch.no_grad()
def draw_weights(model: nn.Module, gain: float, generator: torch.Generator) -> None:
    r"""Draw all matrices by Xavier's rule; biases and the embedding of padding are 0.

    .. math:: W_{ij} \sim U(-b, b), \quad b = \text{gain} \sqrt{6 / (n_\text{in} + n_\text{out})}

    Parameters
    ----------
    model : torch.nn.Module
    gain : float
        The gain of layers that a method can make sparse; embeddings and the last layer have gain 1.
    generator : torch.Generator

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    scaled = {id(layer.get_parameter("weight")) for layer in linear_layers(model).values()}
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter, gain if id(parameter) in scaled else 1.0, generator=generator)
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
