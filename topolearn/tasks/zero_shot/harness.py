"""Evaluating a model in memory on tasks of lm-evaluation-harness."""

from __future__ import annotations

import copy
import io
import math
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from functools import cache
from typing import Any

import numpy as np

from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.tasks.language.model import check_fits
from topolearn.tasks.language.tokenizer import Tokenizer
from topolearn.tasks.packages import check_hf_packages, eval_package, hf_package
from topolearn.tasks.zero_shot.scores import Answers
from topolearn.terminal import progress_bar, shows_bars


def harness_model(
    model: Any, tokenizer: Any, *, batch_size: int, max_length: int | None = None, quiet: bool = False
) -> Any:
    """Return a model wrapped for the harness; its weights and device stay as they are.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal model.
    tokenizer : Tokenizer or transformers.PreTrainedTokenizerBase
    batch_size : int
        Prompts per batch.
    max_length : int, optional
        The maximum number of tokens that the model reads; default from its configuration. Longer prompts are cut at the
        beginning.
    quiet : bool
        Show no progress bar.

    Returns
    -------
    lm_eval.models.huggingface.HFLM

    Raises
    ------
    MissingPackageError, InvalidTypeError, InvalidValueError
        When the harness is not installed, the model or the tokenizer has another type, or the tokenizer belongs to
        another model.
    """
    kind = _kind()
    if not isinstance(model, hf_package("transformers").PreTrainedModel):
        raise InvalidTypeError(f"model={type(model).__name__} must be a causal model of transformers")
    if isinstance(tokenizer, Tokenizer):
        check_fits(model, tokenizer)
    was_training = model.training
    with redirect_stderr(io.StringIO()):  # it warns of arguments that have no effect here
        made = kind(
            pretrained=model, tokenizer=_of_transformers(tokenizer), batch_size=batch_size, max_length=max_length,
            backend="causal",
        )  # fmt: skip
    model.train(was_training)
    made.bar_on = None if quiet or not shows_bars(sys.stderr) else sys.stderr
    return made


def ask(lm: Any, name: str, task: Any, n_answers: int, limit: int | None = None) -> tuple[Answers, dict[str, float]]:
    """Evaluate a model on a task.

    Parameters
    ----------
    lm : HFLM
        A model from `harness_model`.
    name : str
        Name of the task, for messages.
    task : ConfigurableTask
        A task from `load_task`.
    n_answers : int
        The number of answers to choose from.
    limit : int, optional
        Use only the first documents, this many; default all.

    Returns
    -------
    answers : Answers
    measured : dict
        The scores of the harness, by its names.

    Raises
    ------
    InvalidValueError
        When an answer is longer than the model's window, or the model's probabilities are not numbers.
    """
    evaluate = eval_package("lm_eval").evaluate
    lm.task, began = name, time.perf_counter()
    was_training = lm.model.training
    lm.model.eval()
    try:
        with redirect_stderr(io.StringIO()):  # bars, and a warning per prompt that is cut
            result = evaluate(
                lm=lm, task_dict={"tasks": {name: task}}, limit=limit, bootstrap_iters=0, log_samples=True
            )
    finally:
        lm.model.train(was_training)
    samples = result["samples"][name]
    likelihoods = [[float(likelihood) for likelihood, _ in each["filtered_resps"]] for each in samples]
    if any(math.isnan(likelihood) for each in likelihoods for likelihood in each):
        raise InvalidValueError(f"{name}: the model's probabilities are not numbers: its training has diverged")
    answers = Answers(
        np.array([int(np.argmax(each)) for each in likelihoods]),
        np.array([_right(task, each) for each in samples]),
        n_answers,
        lm.cut,
        time.perf_counter() - began,
    )
    values = result["results"][name]
    measured = {key.removesuffix(",none"): float(value) for key, value in values.items() if isinstance(value, float)}
    return answers, measured


def _right(task: Any, sample: dict[str, Any]) -> int:
    """Return the number of the right answer; some tasks give its text instead."""
    target = sample["target"]
    return int(target) if isinstance(target, int) else task.doc_to_choice(sample["doc"]).index(target)


def _of_transformers(tokenizer: Any) -> Any:
    """Return a tokenizer of transformers that may be modified; of ours, one that adds no marks to a text."""
    library = hf_package("transformers")
    if isinstance(tokenizer, library.PreTrainedTokenizerBase):
        return copy.deepcopy(tokenizer)  # as the harness adds a padding mark
    if not isinstance(tokenizer, Tokenizer):
        raise InvalidTypeError(
            f"tokenizer={type(tokenizer).__name__} must be a Tokenizer of a run, or a tokenizer of transformers"
        )
    inner = hf_package("tokenizers").Tokenizer.from_str(tokenizer.content)
    inner.post_processor = hf_package("tokenizers.processors").TemplateProcessing("$A", "$A $B")  # as in training
    end = inner.id_to_token(tokenizer.end)
    made = library.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token=end, eos_token=end, pad_token=end, split_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    return made


@cache
def _kind() -> type:
    """Return a subclass of the harness's model that counts cut documents and shows progress."""
    check_hf_packages(("transformers", "accelerate"))  # the harness does not install these itself
    base = eval_package("lm_eval.models.huggingface").HFLM

    class CountingModel(base):  # type: ignore[misc,valid-type]  # the base class is only known after the import
        """A model in memory that counts cut documents and shows progress.

        Attributes
        ----------
        task : str
            The name of the task, for the bar and messages.
        cut : int
            Number of documents in the last task whose prompt and answer were longer than the window.
        bar_on : file or None
            Where to draw a progress bar, if anywhere.
        """

        task, cut = "", 0
        bar_on: Any = None
        bar: Any = None

        def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> Any:
            """Evaluate the requests, and count the documents that are cut."""
            self._requests = requests
            return super().loglikelihood(requests, disable_tqdm=True)

        def _loglikelihood_tokens(self, requests: Any, disable_tqdm: bool = False, override_bs: Any = None) -> Any:
            longest = max(len(answer) for _, _, answer in requests)
            if longest > self.max_length:
                raise InvalidValueError(
                    f"{self.task}: an answer has {longest} tokens, more than the window of {self.max_length}"
                )
            lengths = [len(prompt) + len(answer) for _, prompt, answer in requests]
            pairs = zip(self._requests, lengths, strict=True)
            self.cut = len({each.doc_id for each, length in pairs if length > self.max_length + 1})
            read = {(*prompt, *answer[:-1]) for _, prompt, answer in requests}  # answers of one token share a pass
            with progress_bar(
                total=len(read), desc=self.task, unit="prompt", file=self.bar_on, disable=self.bar_on is None,
                leave=False, dynamic_ncols=True,
            ) as self.bar:  # fmt: skip
                return super()._loglikelihood_tokens(requests, disable_tqdm=True, override_bs=override_bs)

        def _model_call(self, inps: Any, *args: Any, **kwargs: Any) -> Any:
            logits = super()._model_call(inps, *args, **kwargs)
            self.bar.update(len(inps))
            return logits

    return CountingModel
