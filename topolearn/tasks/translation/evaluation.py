"""How well a translator does on pairs of sentences: loss and perplexity of a token, BLEU and chrF of translations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from topolearn.tasks.translation.batches import IGNORED, TokenBatches, collate
from topolearn.tasks.translation.loss import token_loss

if TYPE_CHECKING:
    from topolearn.tasks.translation.pairs import EncodedPairs


@torch.no_grad()
def perplexity(model: Any, pairs: EncodedPairs, batch_tokens: int) -> dict[str, float]:
    """Return the mean loss of a token without smoothing, and its exponential.

    Parameters
    ----------
    model : transformers.M2M100ForConditionalGeneration
        It is in training mode afterwards if it was.
    pairs : EncodedPairs
    batch_tokens : int

    Returns
    -------
    dict
        ``loss`` and ``perplexity``.
    """
    device, was_training = next(model.parameters()).device, model.training
    total, n_tokens = 0.0, 0
    model.eval()
    try:
        for batch in TokenBatches(pairs.lengths, batch_tokens, shuffle=False):
            inputs = {name: each.to(device) for name, each in collate([pairs[i] for i in batch]).items()}
            labels = inputs["labels"]
            n_here = int((labels != IGNORED).sum())
            total += float(token_loss(model(**inputs).logits, labels)) * n_here
            n_tokens += n_here
    finally:
        model.train(was_training)
    loss = total / n_tokens
    return {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
