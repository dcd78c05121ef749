"""The training of a language model, by the ``Trainer`` of transformers; imported with that package alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from topolearn.tasks.language.loss import token_loss
from topolearn.tasks.language.schedule import warmup_cosine
from topolearn.tasks.language.windows import IGNORED
from topolearn.tasks.trainer import TaskTrainer, arguments

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from topolearn.tasks.language.config import LanguageConfig


class LanguageTrainer(TaskTrainer):
    """Trains on windows of tokens by Adam, and evaluates by perplexity.

    Parameters
    ----------
    model : transformers.LlamaForCausalLM
    config : LanguageConfig
    path : Path
        The directory of the run.
    stream : Dataset
        All batches of the training, in order.
    collate : callable
        Makes tensors of a batch.
    validation : Dataset
        Windows for `score`.
    score : callable
        ``score(model)`` returns validation loss and perplexities.
    """

    def __init__(
        self,
        model: Any,
        config: LanguageConfig,
        path: Path,
        stream: Dataset[Any],
        collate: Callable[[Any], dict[str, Tensor]],
        validation: Dataset[Any],
        score: Callable[[Any], Mapping[str, float]],
    ) -> None:
        def loss(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | None = None) -> Tensor:
            return token_loss(outputs.logits, labels[:, 1:], num_items_in_batch)

        super().__init__(
            model,
            arguments(config, path, "perplexity", higher_is_better=False),
            stream=stream,
            collate=lambda batch: _counted_alike(collate(batch)),
            validation=validation,
            score=score,
            loss=loss,
            optimizer=torch.optim.Adam(
                model.parameters(), lr=config.lr, betas=(config.beta1, config.beta2), fused=True
            ),
            rate=lambda step: warmup_cosine(step, config.warmup, config.steps, config.final_lr),
            patience=config.patience,
        )


def _counted_alike(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a batch with a label in front that is ignored.

    The trainer of transformers counts the labels of causal models without the first, which others would not predict.
    """
    return {**batch, "labels": F.pad(batch["labels"], (1, 0), value=IGNORED)}
