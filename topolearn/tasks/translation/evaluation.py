"""How well a translator predicts pairs of sentences: loss and perplexity per token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from topolearn.tasks.evaluating import evaluating
from topolearn.tasks.translation.batches import IGNORED, TokenBatches, collate
from topolearn.tasks.translation.loss import token_loss

if TYPE_CHECKING:
    from topolearn.tasks.translation.pairs import EncodedPairs


@torch.no_grad()
def perplexity(model: Any, pairs: EncodedPairs, batch_tokens: int) -> dict[str, float]:
    """Return the mean loss per token without smoothing, and its exponential.

    Parameters
    ----------
    model : transformers.M2M100ForConditionalGeneration
        Put into evaluation mode temporarily.
    pairs : EncodedPairs
    batch_tokens : int

    Returns
    -------
    dict
        ``loss`` and ``perplexity``.
    """
    device = next(model.parameters()).device
    total, n_tokens = 0.0, 0
    with evaluating(model):
        for batch in TokenBatches(pairs.lengths, batch_tokens, shuffle=False):
            inputs = {name: each.to(device) for name, each in collate([pairs[i] for i in batch]).items()}
            labels = inputs["labels"]
            n_here = int((labels != IGNORED).sum())
            total += float(token_loss(model(**inputs).logits, labels)) * n_here
            n_tokens += n_here
    loss = total / n_tokens
    return {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
