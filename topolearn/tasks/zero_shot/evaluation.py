"""`evaluate`: how well a model answers tasks for which it was not trained, beside what answers without one reach."""

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
    """Who answers.

    Attributes
    ----------
    name : str
    load : callable
        Returns the model and its tokenizer, when it is its turn.
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
    """Let a language model answer tasks that it was not trained for, by the definitions of lm-evaluation-harness.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Any causal one; it answers where it is.
    tokenizer : Tokenizer or transformers.PreTrainedTokenizerBase
    tasks : sequence of str
        Of `ZERO_SHOT`; default all of which documents can be local.
    name : str
        What to call the model.
    data_dir : path, optional
        The folder that has the documents in a folder ``glue``; default ``data``. The harness looks at the hub for those
        that are not there.
    limit : int, optional
        How many documents of each task, the first ones, for a trial; default all.
    batch_size : int
        Prompts at a time.
    max_length : int, optional
        Tokens that the model reads at most; default as its configuration says. Of a longer prompt the end is read.
    quiet : bool
        Show no progress.

    Returns
    -------
    DataFrame
        A row for each task and model, and one for the best answer that is always the same, "constant answer": ``n``
        documents, ``accuracy`` with its standard error ``stderr``, ``f1`` of the answer in ``f1_of`` (or its mean over
        all answers), ``mcc`` (Matthews' correlation coefficient), ``majority`` (the share of the commonest right
        answer), the ``commonest`` answer that the model gave and its ``commonest_share`` (1: it says the same to
        everything), ``cut`` documents that were too long, and ``seconds``.

    Raises
    ------
    MissingPackageError
        When the extra ``eval`` is not installed.
    UnknownNameError, InvalidValueError, InvalidTypeError
        For a task, model, tokenizer or number that cannot be used.
    MissingFileError, CorruptFileError
        When documents are neither local nor to be had from the hub, or not usable.
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
    """Let several models answer, one after another; otherwise as `evaluate`."""
    import pandas as pd

    chosen = chosen_tasks(tasks)
    if limit is not None:
        check_size("limit", limit)
    check_size("batch_size", batch_size)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    with random_states_kept(), loaded_tasks(chosen, data_dir, quiet=quiet) as ready:
        for candidate in candidates:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "sparsify leaves dense")  # which its training has said
                model, tokenizer = candidate.load()
            lm = harness_model(model, tokenizer, batch_size=batch_size, max_length=max_length, quiet=quiet)
            for name, task in chosen.items():
                answers, _ = ask(lm, name, ready[name], len(task.answers), limit)
                rows[name].append(row(name, task, candidate.name, answers))
                _tell(f"{candidate.name}  {name}  accuracy {answers.accuracy:.1%}  {answers.seconds:.1f} s", quiet)
                if candidate is candidates[-1]:
                    rows[name].append(row(name, task, CONSTANT, answers.best_constant(task)))
    return pd.DataFrame([each for of_task in rows.values() for each in of_task], columns=list(COLUMNS))


def row(name: str, task: ZeroShotTask, model: str, answers: Answers) -> dict[str, Any]:
    """Return what the answers of a model to a task are worth, by the columns of the table."""
    number, share = answers.commonest
    values = (
        name, model, len(answers), answers.accuracy, answers.standard_error, answers.f1(task.positive),
        "mean" if task.positive is None else task.answers[task.positive], answers.mcc, answers.majority,
        task.answers[number], share, answers.cut, answers.seconds,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def chosen_tasks(names: Sequence[str]) -> dict[str, ZeroShotTask]:
    """Return tasks by their names, each once.

    Raises
    ------
    UnknownNameError, InvalidValueError
        For a name that is in no row of `ZERO_SHOT`, or no names.

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
    """Load tasks, all before the first is asked, with what the harness writes of them in a folder that goes again.

    Raises
    ------
    MissingPackageError, MissingFileError, CorruptFileError
        As in `load_task`.
    """
    eval_package("lm_eval")
    with tempfile.TemporaryDirectory(prefix="topolearn-zero-shot-", ignore_cleanup_errors=True) as folder:
        ready = {}
        for name, task in tasks.items():
            if local_files(task.documents, data_dir) is None:
                _tell(f"{name}  no local documents: asking the hub", quiet)
            own = Path(folder) / name
            own.mkdir()
            ready[name] = load_task(name, task, data_dir, own)
        yield ready


def _tell(line: str, quiet: bool) -> None:
    if not quiet:
        say(line, stream=sys.stderr)
