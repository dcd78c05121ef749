"""How well a language model predicts a text: perplexity per token, per word, and per byte."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.tasks.evaluating import evaluating
from topolearn.tasks.language.loss import token_loss
from topolearn.tasks.language.model import HASH
from topolearn.tasks.language.shards import TokenShards
from topolearn.tasks.language.windows import IGNORED, TokenWindows, collate

LARGEST = 700.0  # the exponential of more overflows
HALF = (torch.bfloat16, torch.float16)


@torch.no_grad()
def perplexity(
    model: Any, shards: TokenShards, window: int, batch_windows: int, kind: str = "packed"
) -> dict[str, float]:
    r"""Return the mean loss per token and the perplexities, in float32.

    .. math:: \exp\Big(-\frac{1}{n} \sum_t \log p(y_t)\Big)

    where n counts the tokens, words or bytes of the text. The latter two allow comparing models with different
    tokenizers; line ends count as words.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Put into evaluation mode temporarily. Of a model in bf16 or float16, a copy in float32 is evaluated.
    shards : TokenShards
    window, batch_windows : int
        Tokens per window, and windows per batch.
    kind : str
        Kind of windows, one of `WINDOWS`.

    Returns
    -------
    dict
        ``loss``, ``perplexity``, ``word_perplexity`` and ``byte_perplexity``.

    Raises
    ------
    UnknownNameError, InvalidTypeError, InvalidValueError
        When a number is not positive, there is no such kind, or the tokens are not those of the model.
    """
    batch_windows = check_size("batch_windows", batch_windows)
    _check_tokens(model, shards)
    windows, first = TokenWindows(shards, window, kind), next(model.parameters())
    if first.dtype in HALF:
        model = deepcopy(model).float()  # same weights, but products without further rounding
    total, n_tokens = 0.0, 0
    with evaluating(model):
        for batch in _batches(len(windows), batch_windows):
            inputs = {name: each.to(first.device) for name, each in collate([windows[i] for i in batch]).items()}
            labels = inputs.pop("labels")
            n_here = int((labels != IGNORED).sum())
            total += float(token_loss(model(**inputs).logits, labels)) * n_here
            n_tokens += n_here
    of = {"perplexity": n_tokens, "word_perplexity": shards.n_words, "byte_perplexity": shards.n_bytes}
    return {"loss": total / n_tokens} | {name: math.exp(min(total / n, LARGEST)) for name, n in of.items()}


def _check_tokens(model: Any, shards: TokenShards) -> None:
    known = getattr(model.config, HASH, None)
    if known not in (None, shards.index.get("tokenizer")):
        raise InvalidValueError(
            f"{shards.folder} has the tokens of another tokenizer (hash {shards.index.get('tokenizer')!s:.12}) than "
            f"that of the model (hash {known:.12}): encode the text with the tokenizer of the model's own run"
        )
    if known is None and shards.largest >= model.config.vocab_size:
        raise InvalidValueError(
            f"{shards.folder} has the token {shards.largest}, but the model only {model.config.vocab_size} tokens: "
            "encode the text with the model's own tokenizer"
        )


def _batches(n: int, size: int) -> Sequence[range]:
    return [range(begin, min(begin + size, n)) for begin in range(0, n, size)]
