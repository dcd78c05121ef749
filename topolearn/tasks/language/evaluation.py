"""How well a language model predicts a text: perplexity of a token, of a word, and of a byte."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from topolearn.tasks.evaluating import evaluating
from topolearn.tasks.language.loss import token_loss
from topolearn.tasks.language.shards import TokenShards
from topolearn.tasks.language.windows import IGNORED, TokenWindows, collate

LARGEST = 700.0  # of which the exponential is finite


@torch.no_grad()
def perplexity(
    model: Any, shards: TokenShards, window: int, batch_windows: int, kind: str = "packed"
) -> dict[str, float]:
    r"""Return the mean loss of a token, and perplexities, in float32.

    .. math:: \exp\Big(-\frac{1}{n} \sum_t \log p(y_t)\Big)

    where n counts tokens, or words, or bytes of the text. The latter two compare models of different tokenizers; words
    are counted with ends of lines.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In evaluation mode meanwhile.
    shards : TokenShards
    window, batch_windows : int
        Tokens of a window, and windows of a batch.
    kind : str
        Of windows.

    Returns
    -------
    dict
        ``loss``, ``perplexity``, ``word_perplexity`` and ``byte_perplexity``.
    """
    windows, device = TokenWindows(shards, window, kind), next(model.parameters()).device
    total, n_tokens = 0.0, 0
    with evaluating(model):
        for batch in _batches(len(windows), batch_windows):
            inputs = {name: each.to(device) for name, each in collate([windows[i] for i in batch]).items()}
            labels = inputs.pop("labels")
            n_here = int((labels != IGNORED).sum())
            total += float(token_loss(model(**inputs).logits, labels)) * n_here
            n_tokens += n_here
    of = {"perplexity": n_tokens, "word_perplexity": shards.n_words, "byte_perplexity": shards.n_bytes}
    return {"loss": total / n_tokens} | {name: math.exp(min(total / n, LARGEST)) for name, n in of.items()}


def _batches(n: int, size: int) -> Sequence[range]:
    return [range(begin, min(begin + size, n)) for begin in range(0, n, size)]
