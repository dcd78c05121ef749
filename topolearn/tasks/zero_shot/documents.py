"""Reading a task's documents from local files, with the harness's names and labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from topolearn.errors import CorruptFileError
from topolearn.read_errors import reading
from topolearn.tasks.zero_shot.tasks import LocalDocuments
from topolearn.training.data.sources import dataset_folder

FOLDER = "glue"  # the subfolder of the data folder that has the files


def local_files(documents: LocalDocuments | None, data_dir: str | Path | None = None) -> list[Path] | None:
    """Return the files of a task's documents, or None unless all of them exist."""
    if documents is None:
        return None
    folder = dataset_folder(FOLDER, data_dir)
    files = [folder / name for name in documents.files]
    return files if all(file.is_file() for file in files) else None


def read_documents(documents: LocalDocuments, files: list[Path]) -> list[dict[str, Any]]:
    """Return documents in the format of the harness, in the order of the files.

    Parameters
    ----------
    documents : LocalDocuments
    files : list of Path

    Raises
    ------
    CorruptFileError
        For a line with a missing field or an unknown label, text that is not UTF-8, or files without lines.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "val.jsonl"
    >>> _ = file.write_text('{"premise": "It rains.", "hypothesis": "It is wet.", "label": "entailment"}')
    >>> documents = LocalDocuments(("val.jsonl",), {"sentence1": "premise"}, labels={"entailment": 0, "neutral": 1})
    >>> read_documents(documents, [file])
    [{'sentence1': 'It rains.', 'label': 0}]
    """
    made = [_document(documents, row, place) for file in files for row, place in _rows(file)]
    if not made:
        raise CorruptFileError(f"{', '.join(map(str, files))} has no lines: put the task's file there")
    return made


def _document(documents: LocalDocuments, row: Any, place: str) -> dict[str, Any]:
    document = {name: _value(row, where, place) for name, where in documents.fields.items()}
    label = _value(row, documents.label, place)
    if not isinstance(label, str | int) or label not in documents.labels:
        known = ", ".join(map(repr, documents.labels))
        raise CorruptFileError(f"{place} has the label {label!r}, which must be one of {known}")
    for name in documents.whole_spans:
        if not (isinstance(document["text"], str) and isinstance(document[f"{name}_text"], str)):
            raise CorruptFileError(f"{place} has a text or {name}_text that is not a string")
        if not isinstance(document[f"{name}_index"], int):
            raise CorruptFileError(
                f"{place} has {name}_index {document[f'{name}_index']!r:.40}, not the index of a word"
            )
        document[f"{name}_text"] = _span(document["text"], document[f"{name}_text"], document[f"{name}_index"])
    return document | {"label": documents.labels[label]}


def _rows(file: Path) -> Iterator[tuple[Any, str]]:
    """Yield each line of a file as an object or a list of columns, and its place for error messages."""
    with reading(file, "text in UTF-8", "put the task's file there"):
        lines = file.read_bytes().decode("utf-8-sig").split("\n")  # sentences may contain other line separators
    for number, line in enumerate((line.removesuffix("\r") for line in lines), 1):
        place = f"line {number} of {file}"
        if not line:
            continue
        if file.suffix != ".jsonl":
            yield line.split("\t"), place
            continue
        try:
            yield json.loads(line), place
        except (ValueError, RecursionError) as error:
            raise CorruptFileError(f"{place} is not JSON: {error}") from None


def _value(row: Any, where: str | int, place: str) -> Any:
    value = row
    try:
        for step in where.split(".") if isinstance(where, str) else (where,):
            value = value[step]
    except (KeyError, IndexError, TypeError):
        raise CorruptFileError(f"{place} has no field {where!r}") from None
    return value


def _span(text: str, span: str, first: int) -> str:
    """Return a span as it occurs in a text, like SuperGLUE's ``wsc.fixed``.

    Examples
    --------
    >>> _span("The path to the lake was blocked.", "The lake", 3)
    'the lake'
    """
    words = text.split()
    if span in text or not span or not 0 <= first < len(words):
        return span
    start = span[0].lower() if words[first][0].islower() else span[0].upper()
    repaired = (start + span[1:]).rstrip(".").replace("\n", " ")
    return repaired if repaired in text else span
