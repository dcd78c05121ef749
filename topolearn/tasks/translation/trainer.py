"""Training a translator with the ``Seq2SeqTrainer`` of transformers; imported only if that is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments

from topolearn.tasks.trainer import TaskTrainer, arguments
from topolearn.tasks.translation.batches import collate
from topolearn.tasks.translation.loss import decoder_inputs, token_loss
from topolearn.tasks.translation.schedule import noam

if TYPE_CHECKING:
    from topolearn.tasks.stream import BatchStream
    from topolearn.tasks.translation.config import TranslationConfig
    from topolearn.tasks.translation.pairs import EncodedPairs

EPSILON = 1e-9  # Adam's epsilon


class TranslationTrainer(TaskTrainer, Seq2SeqTrainer):
    """The trainer of sequence-to-sequence models, on numbered batches."""


def trainer_of(
    config: TranslationConfig,
    path: Path,
    model: Any,
    stream: BatchStream,
    pairs: EncodedPairs,
    validation: EncodedPairs,
    score: Callable[[Any], Mapping[str, float]],
) -> TranslationTrainer:
    """Return a trainer for a translator on batches by tokens, with the paper's optimizer, evaluated by BLEU.

    Parameters
    ----------
    config : TranslationConfig
    path : Path
        The directory of the run.
    model : transformers.M2M100ForConditionalGeneration
    stream : BatchStream
        Batches of pair numbers.
    pairs, validation : EncodedPairs
        The pairs to train on and to validate on.
    score : callable
        ``score(model)`` returns the validation loss, perplexity and BLEU.
    """

    def loss(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | None = None) -> Tensor:
        return token_loss(outputs.logits, labels, config.label_smoothing, num_items_in_batch)

    return TranslationTrainer(
        model,
        arguments(config, path, "bleu", higher_is_better=True, kind=Seq2SeqTrainingArguments),
        stream=stream,
        collate=lambda numbers: _with_decoder_inputs(collate([pairs[i] for i in numbers])),
        validation=validation,
        score=score,
        loss=loss,
        optimizer=torch.optim.Adam(model.parameters(), config.lr, (config.beta1, config.beta2), EPSILON),
        rate=lambda step: noam(step, config.warmup),
        patience=config.patience,
    )


def _with_decoder_inputs(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**batch, "decoder_input_ids": decoder_inputs(batch["labels"])}
