"""Trainable tasks: one registry entry each, whose components are imported when first needed."""

import importlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.read_errors import reading
from topolearn.registry import Registry, suggest

DEFAULT = "classification"  # for configuration files that name no task


@dataclass(frozen=True)
class Metric:
    """A number that a task logs.

    Attributes
    ----------
    name : str
        Its column in ``metrics.csv``.
    title : str
        A readable name.
    is_share : bool
        Whether it is a fraction of 1, which is shown in percent.
    """

    name: str
    title: str
    is_share: bool = False

    def text(self, value: float) -> str:
        """Return a value as text.

        Examples
        --------
        >>> Metric("test_accuracy", "test accuracy", is_share=True).text(0.97222)
        '97.22%'
        >>> Metric("test_perplexity", "test perplexity").text(41.2345)
        '41.23'
        """
        return f"{value:.2%}" if self.is_share else f"{value:.4g}"


@dataclass(frozen=True)
class Task:
    """What ``topolearn train``, `topolearn.resume`, studies and reports need to know about a kind of training.

    Components are given as references "module:name", so that registering a task imports nothing.

    Attributes
    ----------
    name : str
        The name in configuration files, as in ``task = "classification"``.
    config : str
        The configuration class: a frozen dataclass with ``load`` and ``save`` (TOML), ``with_values``, ``to_dict``
        and ``build_method``, and the fields ``method``, ``dataset``, ``seed`` and ``run_dir``.
    train, resume : str
        Functions: ``train(config, *, overwrite, quiet, loggers)`` and ``resume(run_dir, *, device, accept_changes,
        quiet, loggers)`` return a `Run`.
    load_model : str
        Function: ``load_model(run_dir, which)`` returns the model of the checkpoint "best" or "last".
    metrics : tuple of Metric
        The metrics that it logs.
    score : str
        The main score, such as "accuracy": ``test_accuracy`` is a metric, and the summary of a run contains
        ``best_accuracy`` and ``last_accuracy``.
    outcomes : tuple of str
        Further values in the summary of a run that tables of studies show.
    scored_on : {"test", "val"}
        The examples on which the score is measured during training; the name of its metric begins with it.
    better : {"higher", "lower"}
        Which scores are better.
    clock : str
        The metric that counts the progress of training, such as "epoch": the summary contains ``best_epoch``.
    curves : tuple of tuples of str
        Metrics that a report plots next to the score; the metrics of one tuple share a plot.
    registries : tuple of str
        Registries of this task alone that its configuration takes names from.
    presets : str
        The package whose files ``NAME.toml`` are configurations that can be used by name.
    workload : str
        Function: ``workload(config)`` returns the `topolearn.counting.Workload` of a configuration for
        ``topolearn count``.
    files : tuple of str
        Files and folders of a run that only this task writes; its manifest lists them.
    """

    name: str
    config: str
    train: str
    resume: str
    load_model: str
    metrics: tuple[Metric, ...]
    score: str
    better: Literal["higher", "lower"]
    clock: str = "epoch"
    curves: tuple[tuple[str, ...], ...] = ()
    registries: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    scored_on: Literal["test", "val"] = "test"
    presets: str = ""
    workload: str = ""
    files: tuple[str, ...] = ("checkpoints",)

    @property
    def metric(self) -> Metric:
        """The metric that decides: the score on the test or validation examples."""
        return self.metric_named(f"{self.scored_on}_{self.score}")

    @property
    def best(self) -> str:
        """Name of the best score in the summary of a run."""
        return f"best_{self.score}"

    @property
    def last(self) -> str:
        """Name of the last score in the summary of a run."""
        return f"last_{self.score}"

    @property
    def best_at(self) -> str:
        """Name of the epoch or step of the best score in the summary of a run."""
        return f"best_{self.clock}"

    def progress(self, metrics: Any) -> int:
        """Return the last epoch or step in the table of metrics of a run, 0 if it has no rows.

        Examples
        --------
        >>> import pandas as pd
        >>> TASKS["language"].progress(pd.DataFrame({"step": [400, 800]}))
        800
        """
        last = metrics[self.clock].max() if self.clock in metrics else math.nan
        return int(last) if len(metrics) and math.isfinite(last) else len(metrics)

    def metric_named(self, name: str) -> Metric:
        """Return a metric of the task; the title of an unknown one is its column name."""
        known = {metric.name: metric for metric in self.metrics}
        return known.get(name) or Metric(name, name.replace("_", " "))


def imported(reference: str) -> Any:
    """Import and return the object named by a reference "module:name".

    Examples
    --------
    >>> imported("math:floor")(2.5)
    2
    """
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


TASKS: Registry[Task] = Registry(
    "task",
    {
        "classification": Task(
            name="classification",
            config="topolearn.training:TrainConfig",
            train="topolearn.training:train",
            resume="topolearn.training:resume",
            load_model="topolearn.training:load_model",
            metrics=(
                Metric("epoch", "epoch"),
                Metric("lr", "learning rate"),
                Metric("train_loss", "train loss"),
                Metric("train_accuracy", "train accuracy", is_share=True),
                Metric("test_loss", "test loss"),
                Metric("test_accuracy", "test accuracy", is_share=True),
            ),
            score="accuracy",
            better="higher",
            curves=(("train_loss", "test_loss"),),
            registries=("topolearn.training:DATASETS",),
            workload="topolearn.training.workload:workload",
        ),
        "translation": Task(
            name="translation",
            config="topolearn.tasks.translation:TranslationConfig",
            train="topolearn.tasks.translation:train",
            resume="topolearn.tasks.translation:resume",
            load_model="topolearn.tasks.translation:load_model",
            metrics=(
                Metric("step", "step"),
                Metric("lr", "learning rate"),
                Metric("train_loss", "train loss"),
                Metric("val_loss", "validation loss"),
                Metric("val_perplexity", "validation perplexity"),
                Metric("val_bleu", "validation BLEU"),
            ),
            score="bleu",
            better="higher",
            clock="step",
            curves=(("train_loss", "val_loss"), ("val_perplexity",)),
            outcomes=("test_bleu", "test_chrf", "n_parameters"),
            scored_on="val",
            registries=("topolearn.tasks.translation:CORPORA", "topolearn.tasks.translation:VOCABULARIES"),
            presets="topolearn.tasks.translation.presets",
            workload="topolearn.tasks.translation.workload:workload",
            files=("checkpoints", "vocabulary.json", "test.translated.txt"),
        ),
        "language": Task(
            name="language",
            config="topolearn.tasks.language:LanguageConfig",
            train="topolearn.tasks.language:train",
            resume="topolearn.tasks.language:resume",
            load_model="topolearn.tasks.language:load_model",
            metrics=(
                Metric("step", "step"),
                Metric("lr", "learning rate"),
                Metric("train_loss", "train loss"),
                Metric("val_loss", "validation loss"),
                Metric("val_perplexity", "validation perplexity"),
                Metric("val_word_perplexity", "validation perplexity per word"),
                Metric("val_byte_perplexity", "validation perplexity per byte"),
            ),
            score="perplexity",
            better="lower",
            clock="step",
            curves=(("train_loss", "val_loss"),),
            outcomes=("test_perplexity", "test_word_perplexity", "n_parameters"),
            scored_on="val",
            registries=("topolearn.tasks.language:TEXTS", "topolearn.tasks.language:WINDOWS"),
            presets="topolearn.tasks.language.presets",
            workload="topolearn.tasks.language.workload:workload",
            files=("checkpoints", "tokenizer.json", "tokens.json"),
        ),
    },
)


def preset(path: Path) -> Path:
    """Return a configuration file, given as a path or as the name of a preset.

    Raises
    ------
    MissingFileError
        When it is neither.

    Examples
    --------
    >>> preset(Path("translation-small")).name
    'translation-small.toml'
    """
    if path.is_file():
        return path
    known = {file.stem: file for task in TASKS.values() if task.presets for file in _files_of(task.presets)}
    if str(path) not in known:
        raise MissingFileError(f"there is no configuration file {path}: {suggest(str(path), sorted(known))}")
    return known[str(path)]


def _files_of(package: str) -> list[Path]:
    return sorted(Path(each) for each in Path(str(files(package))).glob("*.toml"))


def read_toml(path: Path) -> dict[str, Any]:
    """Return the values in a configuration file.

    Raises
    ------
    MissingFileError, CorruptFileError
        When the file does not exist or is not TOML.
    """
    if not path.is_file():
        raise MissingFileError(f"there is no configuration file {path}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad writes the mark
    except (ValueError, OSError, RecursionError) as error:
        raise CorruptFileError(f"{path} is not TOML: {error}") from None


def task_of(path: Path) -> Task:
    """Return the task of a configuration file; the default is classification.

    Raises
    ------
    MissingFileError, CorruptFileError, UnknownNameError
        When the file does not exist, is not TOML, or names an unknown task.
    """
    with reading(path, "a configuration", "name a known task"):
        return TASKS[str(read_toml(path).get("task", DEFAULT))]


def without_task(path: Path, task: str) -> dict[str, Any]:
    """Return the values in the configuration file of a task, without the task's name.

    Raises
    ------
    MissingFileError, CorruptFileError, InvalidValueError
        When the file does not exist, is not TOML, or is for another task.
    """
    values: Mapping[str, Any] = read_toml(path)
    named = values.get("task", DEFAULT)
    if named != task:
        raise InvalidValueError(f"{path} has task={named!r}, not {task!r}: start it with topolearn train {path}")
    return {name: value for name, value in values.items() if name != "task"}
