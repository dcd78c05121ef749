"""`workload`: how `topolearn.counting` counts the costs of a language model."""

import torch

from topolearn.counting import Workload
from topolearn.tasks.language.config import BF16_TRUE, LanguageConfig
from topolearn.tasks.language.model import dense_model
from topolearn.tasks.step_config import INTERVAL


def workload(config: LanguageConfig) -> Workload:
    """Return the model on the meta device and its training; no text is read.

    Raises
    ------
    MissingPackageError
        When transformers is not installed.

    Examples
    --------
    >>> given = workload(LanguageConfig(window=256, batch_windows=8))
    >>> given.step, given.optimizer
    ('2,048 tokens, in windows of 256', 'adam')
    """
    method = config.build_method()
    with torch.device("meta"):
        model = dense_model(config, config.vocabulary_size)
        tokens = torch.empty(config.batch_windows, config.window, dtype=torch.int64)
    if config.precision == BF16_TRUE:
        model = model.to(torch.bfloat16)
    model.config.use_cache = True  # else transformers reads the positions, which have no values here
    return Workload(
        model=model,
        inputs=[tokens],
        method=method,
        steps=config.steps,
        interval=config.update_interval or method.interval or INTERVAL,
        optimizer="adam",
        accumulation=config.accumulation,
        step=f"{tokens.numel():,} tokens, in windows of {config.window}",
        notes=("The text is not read: batches are assumed to be full, and the vocabulary to have its maximum size.",),
    )
