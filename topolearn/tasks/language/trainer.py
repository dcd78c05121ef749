"""Training a language model with the ``Trainer`` of transformers; imported only if that is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from topolearn.tasks.language.loss import token_loss
from topolearn.tasks.language.schedule import warmup_cosine
from topolearn.tasks.language.windows import IGNORED, TokenWindows, collate
from topolearn.tasks.stream import BatchStream
from topolearn.tasks.trainer import TaskTrainer, arguments

if TYPE_CHECKING:
    from topolearn.tasks.language.config import LanguageConfig


def trainer_of(
    config: LanguageConfig,
    path: Path,
    model: Any,
    stream: BatchStream,
    windows: Mapping[str, TokenWindows],
    score: Callable[[Any], Mapping[str, float]],
) -> TaskTrainer:
    """Return a trainer for a language model on windows of tokens, with Adam, evaluated by perplexity.

    Parameters
    ----------
    config : LanguageConfig
    path : Path
        The directory of the run.
    model : transformers.LlamaForCausalLM
    stream : BatchStream
        Batches of window numbers.
    windows : Mapping of str to TokenWindows
        The windows of the splits "train" and "val".
    score : callable
        ``score(model)`` returns the validation loss and perplexities.
    """
    return TaskTrainer(
        model,
        arguments(config, path, "perplexity", higher_is_better=False),
        stream=stream,
        collate=lambda numbers: _counted_alike(collate([windows["train"][i] for i in numbers])),
        validation=windows["val"],
        score=score,
        loss=_loss,
        optimizer=torch.optim.Adam(model.parameters(), lr=config.lr, betas=(config.beta1, config.beta2), fused=True),
        rate=lambda step: warmup_cosine(step, config.warmup, config.steps, config.final_lr),
        patience=config.patience,
    )


def _loss(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | None = None) -> Tensor:
    return token_loss(outputs.logits, labels[:, 1:], num_items_in_batch)


def _counted_alike(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a batch with an ignored label in front.

    The trainer of transformers does not count the first label of causal models, which usually is not predicted.
    """
    return {**batch, "labels": F.pad(batch["labels"], (1, 0), value=IGNORED)}
