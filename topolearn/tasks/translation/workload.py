"""`workload`: how `topolearn.counting` counts the costs of a translator."""

import torch

from topolearn.counting import Workload
from topolearn.tasks.step_config import INTERVAL
from topolearn.tasks.translation.config import TranslationConfig
from topolearn.tasks.translation.model import IDLE, dense_model

SENTENCE = 32  # assumed tokens per sentence, as the text is not read


def workload(config: TranslationConfig) -> Workload:
    """Return the model on the meta device and its training; no text is read.

    Raises
    ------
    MissingPackageError
        When transformers is not installed.

    Examples
    --------
    >>> given = workload(TranslationConfig(batch_tokens=100))
    >>> given.step, given.optimizer
    ('96 tokens of each language, in sentences of 32', 'adam')
    """
    method, length = config.build_method(), min(SENTENCE, config.batch_tokens)
    with torch.device("meta"):
        model = dense_model(config, config.vocabulary_size)
        tokens = torch.empty(config.batch_tokens // length, length, dtype=torch.int64)
    model.set_attn_implementation("eager")  # other implementations read the mask, which has no values here
    return Workload(
        model=model,
        inputs={"input_ids": tokens, "decoder_input_ids": tokens},
        method=method,
        steps=config.steps,
        interval=config.update_interval or method.interval or INTERVAL,
        optimizer="adam",
        accumulation=config.accumulation,
        idle=IDLE,
        step=f"{tokens.numel():,} tokens of each language, in sentences of {length}",
        notes=(
            f"The text is not read: batches are assumed to be full, with sentences of {length} tokens, and the "
            "vocabulary to have its maximum size.",
        ),
    )
