"""The training of a translator, by the ``Seq2SeqTrainer`` of transformers; imported with that package alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments

from topolearn.tasks.trainer import TaskTrainer, arguments
from topolearn.tasks.translation.loss import decoder_inputs, token_loss
from topolearn.tasks.translation.schedule import noam

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from topolearn.tasks.translation.config import TranslationConfig

EPSILON = 1e-9  # of Adam


class TranslationTrainer(TaskTrainer, Seq2SeqTrainer):
    """Trains on batches by tokens, with the paper's optimizer, and evaluates by BLEU and perplexity.

    Parameters
    ----------
    model : transformers.M2M100ForConditionalGeneration
    config : TranslationConfig
    path : Path
        The directory of the run.
    stream : Dataset
        All batches of the training, in order.
    collate : callable
        Makes tensors of a batch.
    validation : Dataset
        Pairs for `score`.
    score : callable
        ``score(model)`` returns validation loss, perplexity and BLEU.
    """

    def __init__(
        self,
        model: Any,
        config: TranslationConfig,
        path: Path,
        stream: Dataset[Any],
        collate: Callable[[Any], dict[str, Tensor]],
        validation: Dataset[Any],
        score: Callable[[Any], Mapping[str, float]],
    ) -> None:
        smoothing = config.label_smoothing

        def loss(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | None = None) -> Tensor:
            return token_loss(outputs.logits, labels, smoothing, num_items_in_batch)

        super().__init__(
            model,
            arguments(config, path, "bleu", higher_is_better=True, kind=Seq2SeqTrainingArguments),
            stream=stream,
            collate=lambda batch: _with_decoder_inputs(collate(batch)),
            validation=validation,
            score=score,
            loss=loss,
            optimizer=torch.optim.Adam(
                model.parameters(), lr=config.lr, betas=(config.beta1, config.beta2), eps=EPSILON
            ),
            rate=lambda step: noam(step, config.warmup),
            patience=config.patience,
        )


def _with_decoder_inputs(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**batch, "decoder_input_ids": decoder_inputs(batch["labels"])}
