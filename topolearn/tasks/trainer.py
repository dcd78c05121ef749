"""Training a task's model with the ``Trainer`` of transformers; imported only if that is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

from topolearn.tasks.checkpoints import CHECKPOINTS

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from topolearn.training.progress import Progress

Loss = Callable[[Any, Tensor, "Tensor | None"], Tensor]


class TaskTrainer(Trainer):
    """Trains on numbered batches with a custom loss, and evaluates with a custom score.

    Parameters
    ----------
    model : torch.nn.Module
    args : transformers.TrainingArguments
        As `arguments` returns them.
    stream : Dataset
        All batches of the training run in order, each a list of example numbers.
    collate : callable
        Turns such a list into tensors.
    validation : Dataset
        Validation examples; the trainer needs them, though `score` reads its own.
    score : callable
        ``score(model)`` returns numbers by name.
    loss : callable
        ``loss(outputs, labels, n_tokens)`` is the mean over all tokens of a step, however they are batched.
    optimizer : torch.optim.Optimizer
    rate : callable
        ``rate(step)`` is the factor of the learning rate, with steps counted from 1.
    patience : int or None
        Evaluations without a better score after which training stops.

    Attributes
    ----------
    saving : callable
        Returns a context manager in which checkpoints are written.
    """

    def __init__(
        self,
        model: Any,
        args: Any,
        *,
        stream: Dataset[Any],
        collate: Callable[[Any], dict[str, Tensor]],
        validation: Dataset[Any],
        score: Callable[[Any], Mapping[str, float]],
        loss: Loss,
        optimizer: Optimizer,
        rate: Callable[[int], float],
        patience: int | None,
    ) -> None:
        self._score = score
        self.saving: Callable[[], AbstractContextManager[None]] = nullcontext
        super().__init__(
            model,
            args,
            train_dataset=stream,
            eval_dataset=validation,
            data_collator=lambda batches: collate(batches[0]),  # the loader passes one at a time
            compute_loss_func=loss,
            optimizers=(optimizer, LambdaLR(optimizer, lambda step: rate(step + 1))),
        )
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        if patience is not None:
            self.add_callback(EarlyStoppingCallback(patience))

    def _init_training_state(self, max_steps: int, n_per_epoch: int, n_epochs: int, *args: Any) -> tuple[int, int]:
        """Return the epoch and step to begin with: the end, if training had already stopped at the checkpoint."""
        place: tuple[int, int] = super()._init_training_state(max_steps, n_per_epoch, n_epochs, *args)
        return (n_epochs, 0) if self.control.should_training_stop else place  # the loop itself would train on

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Save as usual, which also removes older checkpoints, within the context that `saving` returns."""
        with self.saving():
            super()._save_checkpoint(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Return the score, and call the callbacks."""
        with without_autocast(self.model):
            metrics = {f"eval_{name}": value for name, value in self._score(self.model).items()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def floating_point_ops(self, inputs: Any) -> int:
        """Return 0: the count of transformers ignores sparsity, and would cost time at each step."""
        return 0


def arguments(config: Any, path: Path, metric: str, *, higher_is_better: bool, kind: type = TrainingArguments) -> Any:
    """Return the trainer's arguments, from the fields that all tasks of this kind have.

    Parameters
    ----------
    config : TaskConfig
        With ``steps``, ``accumulation``, ``clip``, ``evaluate_every``, ``seed``, ``precision`` and ``device``.
    path : Path
        The directory of the run.
    metric : str
        The score that determines the best checkpoint.
    higher_is_better : bool
    kind : type
        Class of the arguments.
    """
    return kind(
        str(path / CHECKPOINTS),
        max_steps=config.steps,
        per_device_train_batch_size=1,  # a batch of many tokens
        train_sampling_strategy="sequential",
        gradient_accumulation_steps=config.accumulation,
        max_grad_norm=config.clip or 0.0,
        eval_strategy="steps",
        eval_steps=config.evaluate_every,
        save_strategy="steps",
        save_steps=config.evaluate_every,
        save_total_limit=2,  # the last and the best
        logging_steps=config.evaluate_every,
        metric_for_best_model=metric,
        greater_is_better=higher_is_better,
        seed=config.seed % 2**32,
        bf16=config.precision == "bf16",
        use_cpu=config.device == "cpu",
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=[],
        dataloader_pin_memory=False,
        logging_nan_inf_filter=False,  # else a non-finite loss is hidden
        restore_callback_states_from_checkpoint=True,  # for early stopping
    )


class StepCallback(TrainerCallback):
    """Counts steps for the progress display, and also evaluates and saves at the last step.

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
def without_autocast(model: Any) -> Iterator[None]:
    """Use a model's own forward pass, without the autocast that accelerate has wrapped around it."""
    wrapped, own = model.forward, vars(model).get("_original_forward")
    if own is None:
        yield
        return
    model.forward = own
    try:
        yield
    finally:
        model.forward = wrapped


@contextmanager
def without_bars() -> Iterator[None]:
    """Hide the progress bars of transformers, such as one for each file of a checkpoint."""
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()
