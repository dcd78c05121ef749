"""Sources of text: named data sets, custom folders and files, and the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from topolearn.errors import InvalidValueError, MissingFileError
from topolearn.registry import Registry, suggest
from topolearn.tasks.language.hub_texts import fetched_text, is_hub_text
from topolearn.tasks.language.shards import default_cache
from topolearn.tasks.language.text import COLUMN, Text
from topolearn.training.data.sources import dataset_folder

SPLITS = ("train", "val", "test")
ENDINGS = (".txt", ".tokens", ".jsonl", ".parquet")
HELD_OUT = 0.1  # share at the end of a single file that is used for validation


@dataclass(frozen=True)
class TextCorpus:
    """Text for training, validation and, optionally, testing.

    Attributes
    ----------
    name : str
    train, val : Text
    test : Text or None
    """

    name: str
    train: Text
    val: Text
    test: Text | None = None


@dataclass(frozen=True)
class TextFiles:
    """The files of a named data set of text.

    Attributes
    ----------
    splits : mapping of str to str
        The file of each split; if there is only ``train``, its file is divided.
    description : str
    """

    splits: Mapping[str, str]
    description: str = field(default="")


TEXTS: Registry[TextFiles] = Registry(
    "text",
    {
        "wikitext-2": TextFiles(
            {split: f"wiki.{name}.tokens" for split, name in (("train", "train"), ("val", "valid"), ("test", "test"))},
            "2,088,628 + 217,646 + 245,569 words of Wikipedia articles, with <unk> for rare words",
        ),
        "tinyshakespeare": TextFiles(
            {"train": "tinyshakespeare.txt"}, "1,115,394 characters of Shakespeare; the last tenth is held out"
        ),
    },
)


def read_texts(
    dataset: str, data_dir: str | Path | None = None, column: str = COLUMN, cache_dir: str | Path | None = None
) -> TextCorpus:
    """Read text in the splits train, val and, optionally, test.

    Parameters
    ----------
    dataset : str
        One of `TEXTS`; or a folder with ``train``, ``val`` and, optionally, ``test``, each in one or more files
        (``train.txt``, ``train-00001.jsonl.gz``, ``val.parquet``); or one file, whose last tenth is held out; or, if
        there is no such path, a data set on the Hugging Face hub, ``owner/name`` or ``owner/name:configuration``.
    data_dir : path, optional
        For a named data set: the folder with its files, or with a folder of its name; default ``data``.
    column : str
        The column that holds the text in JSON lines and Parquet files.
    cache_dir : path, optional
        Where to cache text from the hub; default `default_cache`.

    Raises
    ------
    MissingFileError, InvalidValueError, DownloadError
        When there is no such data set, folder or file, files are missing, or a data set cannot be fetched.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "book.txt"
    >>> _ = path.write_text("".join(f"Line {i}.\\n" for i in range(10)))
    >>> corpus = read_texts(str(path))
    >>> next(corpus.val.pieces())
    ('Line 9.\\n', True)
    """
    if dataset in TEXTS:
        return _named(dataset, dataset_folder(dataset, data_dir))
    path = Path(dataset)
    if path.is_file():
        return _divided(dataset, path, column)
    if not path.exists() and is_hub_text(dataset):
        path = fetched_text(dataset, column, default_cache() if cache_dir is None else Path(cache_dir))
    if not path.is_dir():
        raise MissingFileError(
            f"dataset={dataset!r} is not a file, a folder, or a named text: {suggest(dataset, list(TEXTS))}"
        )
    files = {split: _files_of(path, split) for split in SPLITS}
    missing = [split for split in ("train", "val") if not files[split]]
    if missing:
        raise MissingFileError(
            f"{path} has no file for {' and '.join(missing)}: name it {missing[0]}.txt, .jsonl or .parquet (or .gz)"
        )
    texts = {split: Text(there, column) for split, there in files.items() if there}
    return TextCorpus(dataset, texts["train"], texts["val"], texts.get("test"))


def _named(dataset: str, folder: Path) -> TextCorpus:
    names = TEXTS[dataset].splits
    files = {
        split: next((each for each in (folder / f"{name}.gz", folder / name) if each.is_file()), None)
        for split, name in names.items()
    }
    missing = [names[split] for split, file in files.items() if file is None]
    if missing:
        raise MissingFileError(
            f"{dataset} needs {', '.join(missing)} (plain or as .gz) in {folder}: put the files there, or name their "
            "folder with data_dir=..."
        )
    there = {split: file for split, file in files.items() if file is not None}
    if len(there) == 1:
        return _divided(dataset, there["train"], COLUMN)
    texts = {split: Text((file,)) for split, file in there.items()}
    return TextCorpus(dataset, texts["train"], texts["val"], texts.get("test"))


def _divided(name: str, file: Path, column: str) -> TextCorpus:
    if _ending(file) in (".jsonl", ".parquet"):
        raise InvalidValueError(f"{file} is one file of documents: put it into a folder as train, along with val")
    kept = 1 - HELD_OUT
    return TextCorpus(name, Text((file,), column, 0.0, kept), Text((file,), column, kept, 1.0))


def _files_of(folder: Path, split: str) -> tuple[Path, ...]:
    names = (split, "valid", "validation") if split == "val" else (split,)
    texts = [each for name in names for each in folder.glob(f"{name}[!a-z]*") if _ending(each) in ENDINGS]
    for file in texts:
        if not file.is_file():
            raise MissingFileError(
                f"{file} is not a file, or a link to one: remove or rename it, or put the file there"
            )
        if not file.name.startswith(tuple(f"{name}{mark}" for name in names for mark in ".-")):
            raise InvalidValueError(
                f"{file} is not read, as its name has no dot or hyphen after the split: rename it, as in "
                f"{split}-2.txt, or move it elsewhere"
            )
        if (packed := file.with_name(f"{file.name}.gz")) in texts:
            raise InvalidValueError(f"{file} and {packed.name} would both be read: remove one of them")
    return tuple(sorted(texts))


def _ending(file: Path) -> str:
    return (file.with_suffix("") if file.suffix == ".gz" else file).suffix
