"""`ZERO_SHOT`: the registry of tasks that language models are evaluated on without training for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from topolearn.registry import Registry

TRUTH: Mapping[Any, int] = {False: 0, True: 1}


@dataclass(frozen=True)
class LocalDocuments:
    """Where the local documents of a task are, and how to convert them for the harness.

    Attributes
    ----------
    files : tuple of str
        Paths below the folder ``glue``; several are read one after another. ``.jsonl`` files have one object per line,
        ``.tsv`` files have columns without a header.
    fields : mapping of str to str or int
        For each field name of the harness, where it is: the name in an object, with dots for nested objects, or the
        number of a column.
    label : str or int
        Where the label is, in the same way.
    labels : mapping
        The number that the harness gives to each label of the file.
    whole_spans : tuple of str
        Names of spans. NAME_text must occur literally in the text; NAME_index is the number of its first word.
    """

    files: tuple[str, ...]
    fields: Mapping[str, str | int]
    label: str | int = "label"
    labels: Mapping[Any, int] = field(default_factory=lambda: TRUTH)
    whole_spans: tuple[str, ...] = ()


@dataclass(frozen=True)
class ZeroShotTask:
    """A multiple-choice task.

    Attributes
    ----------
    definition : str
        A file of the harness, relative to its folder of tasks, or the path of your own: it defines the prompt, answers
        and metrics.
    answers : tuple of str
        The meaning of each label number, in the harness's order.
    positive : int or None
        The answer for which F1 is measured; None for the mean of F1 over all answers.
    metrics : tuple of str
        The metrics of the harness.
    score : {"accuracy", "f1"}
        The score that papers report, which also determines the best constant answer.
    documents : LocalDocuments or None
        The local documents; if None, the harness fetches documents from the hub.
    """

    definition: str
    answers: tuple[str, ...]
    positive: int | None = None
    metrics: tuple[str, ...] = ("acc",)
    score: Literal["accuracy", "f1"] = "accuracy"
    documents: LocalDocuments | None = None


def _json(folder: str, *names: str, **more: Any) -> LocalDocuments:
    """Return the validation documents in a folder, with fields that keep their names."""
    return LocalDocuments((f"{folder}/val.jsonl",), {name: name for name in names}, **more)


def _super_glue(name: str) -> str:
    return f"super_glue/{name}/default.yaml"


def _glue(name: str) -> str:
    return f"glue/{name}/default.yaml"


_NO_YES, _TWO = ("no", "yes"), ("first", "second")
_SPANS = ("span1_text", "span1_index", "span2_text", "span2_index")

ZERO_SHOT: Registry[ZeroShotTask] = Registry(
    "zero-shot task",
    {
        "cola": ZeroShotTask(
            _glue("cola"),
            _NO_YES,
            positive=1,
            metrics=("mcc",),
            documents=LocalDocuments(
                ("CoLA/in_domain_dev.tsv", "CoLA/out_of_domain_dev.tsv"), {"sentence": 3}, 1, {"0": 0, "1": 1}
            ),
        ),
        "sst2": ZeroShotTask(
            _glue("sst2"),
            ("negative", "positive"),
            positive=1,
            documents=LocalDocuments(("SST-2/dev.tsv",), {"sentence": 0}, 1, {"0": 0, "1": 1}),
        ),
        "rte": ZeroShotTask(
            _glue("rte"),
            ("True", "False"),
            positive=0,
            documents=LocalDocuments(
                ("RTE/val.jsonl",),
                {"sentence1": "premise", "sentence2": "hypothesis"},
                labels={"entailment": 0, "not_entailment": 1},
            ),
        ),
        "cb": ZeroShotTask(
            _super_glue("cb"),
            ("True", "False", "Neither"),
            metrics=("acc", "f1"),
            documents=_json(
                "CB", "premise", "hypothesis", labels={"entailment": 0, "contradiction": 1, "neutral": 2}
            ),
        ),
        "copa": ZeroShotTask(
            _super_glue("copa"),
            _TWO,
            documents=_json("COPA", "premise", "choice1", "choice2", "question", labels={0: 0, 1: 1}),
        ),
        "boolq": ZeroShotTask(
            _super_glue("boolq"), _NO_YES, positive=1, documents=_json("BoolQ", "question", "passage")
        ),
        "wic": ZeroShotTask(
            _super_glue("wic"),
            _NO_YES,
            positive=1,
            documents=_json("WiC", "word", "sentence1", "sentence2", "start1", "start2", "end1", "end2"),
        ),
        "wsc": ZeroShotTask(
            _super_glue("wsc"),
            _NO_YES,
            positive=1,
            documents=LocalDocuments(
                ("WSC/val.jsonl",),
                {"text": "text"} | {name: f"target.{name}" for name in _SPANS},
                whole_spans=("span1", "span2"),
            ),
        ),
        "mnli": ZeroShotTask(_glue("mnli"), ("True", "Neither", "False")),
        "mrpc": ZeroShotTask(_glue("mrpc"), _NO_YES, positive=1, metrics=("acc", "f1"), score="f1"),
        "qnli": ZeroShotTask(_glue("qnli"), ("yes", "no"), positive=0),
        "qqp": ZeroShotTask(_glue("qqp"), _NO_YES, positive=1, metrics=("acc", "f1"), score="f1"),
        "wnli": ZeroShotTask(_glue("wnli"), ("False", "True"), positive=1),
        "hellaswag": ZeroShotTask(
            "hellaswag/hellaswag.yaml", (*_TWO, "third", "fourth"), metrics=("acc", "acc_norm")
        ),
    },
)  # fmt: skip

LOCAL = tuple(name for name, task in ZERO_SHOT.items() if task.documents is not None)
