"""Tasks of lm-evaluation-harness in its own definitions, with local documents if there are any."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topolearn.errors import MissingFileError, TopolearnError
from topolearn.tasks.packages import eval_package
from topolearn.tasks.zero_shot.documents import FOLDER, local_files, read_documents
from topolearn.tasks.zero_shot.tasks import ZeroShotTask

SPLIT = "validation"


def load_task(name: str, task: ZeroShotTask, data_dir: str | Path | None, folder: Path) -> Any:
    """Load a task of the harness.

    Parameters
    ----------
    name : str
    task : ZeroShotTask
    data_dir : path or None
        Folder with the files of `LocalDocuments` in a subfolder ``glue``; without them the harness uses the hub.
    folder : Path
        An empty folder for files that the harness reads.

    Returns
    -------
    lm_eval.api.task.ConfigurableTask

    Raises
    ------
    MissingPackageError, MissingFileError, CorruptFileError
        When the harness is not installed, or the documents are missing or unusable.
    """
    manager = eval_package("lm_eval.tasks").TaskManager
    files = local_files(task.documents, data_dir)
    definition = definition_file(task)
    if files is not None:
        assert task.documents is not None
        definition = write_definition(task, read_documents(task.documents, files), folder)
    with _quiet():
        try:
            loaded = manager(include_defaults=False).load([str(definition)])["tasks"]
        except TopolearnError:
            raise
        except Exception as error:  # errors of datasets, hub and network have no common base class
            raise MissingFileError(_advice(name, task, data_dir, error)) from None
    [made] = loaded.values()
    made.set_config(key="num_fewshot", value=0)
    return made


def definition_file(task: ZeroShotTask) -> Path:
    """Return the file of the installed harness that defines a task.

    Raises
    ------
    MissingPackageError, MissingFileError
        When the harness is not installed, or has no such file.
    """
    file = Path(eval_package("lm_eval.tasks").__file__).parent / task.definition
    if not file.is_file():
        raise MissingFileError(
            f"the installed lm-eval has no {task.definition}: install another version, pip install -U lm-eval"
        )
    return file


def write_definition(task: ZeroShotTask, documents: list[dict[str, Any]], folder: Path) -> Path:
    """Write the documents and a definition that differs from the harness's own only in where the documents are.

    Parameters
    ----------
    task : ZeroShotTask
    documents : list of dict
    folder : Path
        Folder for the documents, the definition, and the cache of the harness.

    Returns
    -------
    Path
        The path of the definition.
    """
    data, definition = folder / "documents.jsonl", folder / "definition.yaml"
    data.write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
    content = {
        "include": str(definition_file(task)),
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {SPLIT: str(data)}, "cache_dir": str(folder / "cache")},
        "training_split": None,
        "validation_split": SPLIT,
    }
    definition.write_text(json.dumps(content), encoding="utf-8")  # JSON is valid YAML
    return definition


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the harness and the libraries that load documents."""
    datasets = eval_package("datasets")
    loggers = {logging.getLogger(name) for name in ("lm_eval", "datasets", "huggingface_hub")}
    levels = {logger: logger.level for logger in loggers}
    had_bars = datasets.utils.logging.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
        if had_bars:
            datasets.enable_progress_bars()


def _advice(name: str, task: ZeroShotTask, data_dir: str | Path | None, error: Exception) -> str:
    reason = f"loading them from the hub fails ({type(error).__name__})"
    if task.documents is None:
        return f"{name} has no local documents, and {reason}: omit it, or evaluate where there is a network"
    where = Path("data" if data_dir is None else data_dir) / FOLDER
    return (
        f"{name} needs {' and '.join(task.documents.files)} in {where}, and {reason}: put the files there, or name "
        "their folder with data_dir=..."
    )
