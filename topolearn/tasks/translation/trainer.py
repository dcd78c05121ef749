"""The training of a translator, by the ``Seq2SeqTrainer`` of transformers; imported with that package alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)
from transformers.utils import logging

from topolearn.tasks.translation.checkpoints import CHECKPOINTS
from topolearn.tasks.translation.loss import decoder_inputs, token_loss
from topolearn.tasks.translation.schedule import noam

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from topolearn.tasks.translation.config import TranslationConfig
    from topolearn.training.progress import Progress

EPSILON = 1e-9  # of Adam


class TranslationTrainer(Seq2SeqTrainer):
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
        optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, betas=(config.beta1, config.beta2), eps=EPSILON)
        rates = LambdaLR(optimizer, lambda step: noam(step + 1, config.warmup))
        self._score, self._smoothing = score, config.label_smoothing
        super().__init__(
            model,
            arguments(config, path),
            train_dataset=stream,
            eval_dataset=validation,  # which `evaluate` scores in its own way
            data_collator=lambda batches: _with_decoder_inputs(collate(batches[0])),  # the loader takes one at a time
            compute_loss_func=self._loss,
            optimizers=(optimizer, rates),
        )
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        if config.patience is not None:
            self.add_callback(EarlyStoppingCallback(config.patience))

    def _loss(self, outputs: Any, labels: Tensor, num_items_in_batch: Tensor | None = None) -> Tensor:
        """Return the smoothed loss of a token: the mean over all tokens of a step, whatever batches they come in."""
        return token_loss(outputs.logits, labels, self._smoothing, num_items_in_batch)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Return validation loss, perplexity and BLEU, and tell callbacks."""
        metrics = {f"eval_{name}": value for name, value in self._score(self.model).items()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def floating_point_ops(self, inputs: Any) -> int:
        """Return 0: the count of transformers knows no sparse layer, and would take time at each step."""
        return 0


def _with_decoder_inputs(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**batch, "decoder_input_ids": decoder_inputs(batch["labels"])}


def arguments(config: TranslationConfig, path: Path) -> Any:
    """Return the arguments of the trainer."""
    return Seq2SeqTrainingArguments(
        str(path / CHECKPOINTS),
        max_steps=config.steps,
        per_device_train_batch_size=1,  # of token batches
        train_sampling_strategy="sequential",
        gradient_accumulation_steps=config.accumulation,
        max_grad_norm=config.clip or 0.0,
        eval_strategy="steps",
        eval_steps=config.evaluate_every,
        save_strategy="steps",
        save_steps=config.evaluate_every,
        save_total_limit=2,  # the last, and the best
        logging_steps=config.evaluate_every,
        metric_for_best_model="bleu",
        greater_is_better=True,
        seed=config.seed % 2**32,
        bf16=config.precision == "bf16",
        use_cpu=config.device == "cpu",
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=[],
        dataloader_pin_memory=False,
        logging_nan_inf_filter=False,  # else a loss that is not finite is hidden
        restore_callback_states_from_checkpoint=True,  # that of the early stop
    )


class StepCallback(TrainerCallback):
    """Counts the steps for whoever looks on, and evaluates and saves at the last step, too.

    Parameters
    ----------
    progress : Progress
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count a step."""
        self._progress.advance()
        if state.global_step >= state.max_steps:
            control.should_log = control.should_evaluate = control.should_save = True


@contextmanager
def without_bars() -> Iterator[None]:
    """Let transformers show no bars of its own, as for each file of a checkpoint."""
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()
