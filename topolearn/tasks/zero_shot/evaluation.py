"""`evaluate`: how well a model answers zero-shot tasks, compared with the best constant answer."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.tasks.packages import eval_package
from topolearn.tasks.zero_shot.definitions import load_task
from topolearn.tasks.zero_shot.documents import local_files
from topolearn.tasks.zero_shot.harness import ask, harness_model
from topolearn.tasks.zero_shot.scores import Answers
from topolearn.tasks.zero_shot.tasks import LOCAL, ZERO_SHOT, ZeroShotTask
from topolearn.terminal import say
from topolearn.training.random_states import random_states_kept

if TYPE_CHECKING:
    import pandas as pd

CONSTANT, UNTRAINED = "constant answer", "untrained network"
BATCH_SIZE = 16
COLUMNS = (
    "task", "model", "n", "accuracy", "stderr", "f1", "f1_of", "mcc", "majority", "commonest", "commonest_share",
    "cut", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A model to evaluate.

    Attributes
    ----------
    name : str
    load : callable
        Returns the model and its tokenizer; called when it is the model's turn.
    """

    name: str
    load: Callable[[], tuple[Any, Any]]


def evaluate(
    model: Any,
    tokenizer: Any,
    tasks: Sequence[str] = LOCAL,
    *,
    name: str = "model",
    data_dir: str | Path | None = None,
    limit: int | None = None,
    batch_size: int = BATCH_SIZE,
    max_length: int | None = None,
    quiet: bool = False,
) -> pd.DataFrame:
    """Evaluate a language model on zero-shot tasks as defined by lm-evaluation-harness.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Any causal model; it is evaluated on its current device.
    tokenizer : Tokenizer or transformers.PreTrainedTokenizerBase
    tasks : sequence of str
        Names in `ZERO_SHOT`; default all tasks that can have local documents.
    name : str
        Name of the model in the result.
    data_dir : path, optional
        The folder that has the documents in a subfolder ``glue``; default ``data``. The harness fetches missing
        documents from the hub.
    limit : int, optional
        Use only the first documents of each task, this many, for a quick trial; default all.
    batch_size : int
        Prompts per batch.
    max_length : int, optional
        The maximum number of tokens that the model reads; default from its configuration. Longer prompts are cut at the
        beginning.
    quiet : bool
        Show no progress.

    Returns
    -------
    DataFrame
        A row for each task and model, and one for the best "constant answer", with the columns ``n`` (number of
        documents), ``accuracy`` and its standard error ``stderr``, ``f1`` of the answer in ``f1_of`` (or the mean over
        all answers), ``mcc`` (Matthews correlation coefficient), ``majority`` (the share of the most frequent right
        answer), ``commonest`` (the model's most frequent answer) and its share ``commonest_share`` (1 if the model
        always gives the same answer), ``cut`` (number of documents that were too long), and ``seconds``.

    Raises
    ------
    MissingPackageError
        When the extra ``eval`` is not installed.
    UnknownNameError, InvalidValueError, InvalidTypeError
        For a task, model, tokenizer or number that is not valid.
    MissingFileError, CorruptFileError
        When documents are neither local nor available from the hub, or are unusable.
    """
    candidates = [Candidate(name, lambda: (model, tokenizer))]
    return evaluate_all(
        candidates, tasks, data_dir=data_dir, limit=limit, batch_size=batch_size, max_length=max_length, quiet=quiet
    )


def evaluate_all(
    candidates: Sequence[Candidate],
    tasks: Sequence[str] = LOCAL,
    *,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    batch_size: int = BATCH_SIZE,
    max_length: int | None = None,
    quiet: bool = False,
) -> pd.DataFrame:
    """Evaluate several models, one after another; otherwise like `evaluate`."""
    import pandas as pd

    chosen = chosen_tasks(tasks)
    if limit is not None:
        check_size("limit", limit)
    check_size("batch_size", batch_size)
    if max_length is not None:
        check_size("max_length", max_length)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    with random_states_kept(), loaded_tasks(chosen, data_dir, quiet=quiet) as ready:
        for candidate in candidates:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "sparsify leaves dense")  # training has already warned
                model, tokenizer = candidate.load()
            lm = harness_model(model, tokenizer, batch_size=batch_size, max_length=max_length, quiet=quiet)
            for name, task in chosen.items():
                answers, _ = ask(lm, name, ready[name], len(task.answers), limit)
                rows[name].append(row(name, task, candidate.name, answers))
                _report(f"{candidate.name}  {name}  accuracy {answers.accuracy:.1%}  {answers.seconds:.1f} s", quiet)
                if candidate is candidates[-1]:
                    rows[name].append(row(name, task, CONSTANT, answers.best_constant(task)))
    return pd.DataFrame([each for of_task in rows.values() for each in of_task], columns=list(COLUMNS))


def row(name: str, task: ZeroShotTask, model: str, answers: Answers) -> dict[str, Any]:
    """Return the scores of a model's answers to a task, by column of the table."""
    number, share = answers.commonest
    values = (
        name, model, len(answers), answers.accuracy, answers.standard_error, answers.f1(task.positive),
        "mean" if task.positive is None else task.answers[task.positive], answers.mcc, answers.majority,
        task.answers[number], share, answers.cut, answers.seconds,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def chosen_tasks(names: Sequence[str]) -> dict[str, ZeroShotTask]:
    """Return the tasks with these names, each once.

    Raises
    ------
    UnknownNameError, InvalidValueError
        For a name that is not in `ZERO_SHOT`, or no names.

    Examples
    --------
    >>> list(chosen_tasks(["rte", "cola", "rte"]))
    ['rte', 'cola']
    >>> chosen_tasks(["colla"])
    Traceback (most recent call last):
    topolearn.errors.UnknownNameError: unknown zero-shot task 'colla': did you mean 'cola'? Known names: cola, ...
    """
    if isinstance(names, str) or not names:
        raise InvalidValueError(f"tasks={names!r} must be a list of one or more names, such as {list(LOCAL[:2])}")
    return {name: ZERO_SHOT[name] for name in names}


@contextmanager
def loaded_tasks(
    tasks: dict[str, ZeroShotTask], data_dir: str | Path | None = None, *, quiet: bool = False
) -> Iterator[dict[str, Any]]:
    """Load all tasks before the first is evaluated, with the harness's files in a temporary folder.

    Raises
    ------
    MissingPackageError, MissingFileError, CorruptFileError
        As for `load_task`.
    """
    eval_package("lm_eval")
    with tempfile.TemporaryDirectory(prefix="topolearn-zero-shot-", ignore_cleanup_errors=True) as folder:
        ready = {}
        for name, task in tasks.items():
            if local_files(task.documents, data_dir) is None:
                _report(f"{name}  no local documents: using the hub", quiet)
            own = Path(folder) / name
            own.mkdir()
            ready[name] = load_task(name, task, data_dir, own)
        yield ready


def _report(line: str, quiet: bool) -> None:
    if not quiet:
        say(line, stream=sys.stderr)
