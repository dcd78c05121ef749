"""Sources of parallel text: named data sets and custom folders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from topolearn.errors import InvalidValueError, MissingFileError
from topolearn.registry import Registry, suggest
from topolearn.tasks.translation.corpus import Corpus, read_parallel
from topolearn.training.data.sources import dataset_folder

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class CorpusFiles:
    """The files of a named data set of parallel text.

    Attributes
    ----------
    stems : mapping of str to str
        The file names of the splits train, val and test, without the language suffix.
    description : str
    checksums : mapping of str to str
        The sha256 of uncompressed files, by file name; files that are not listed are not checked.
    """

    stems: Mapping[str, str]
    description: str
    checksums: Mapping[str, str] = field(default_factory=dict)


CORPORA: Registry[CorpusFiles] = Registry(
    "parallel text",
    {
        "multi30k": CorpusFiles(
            {"train": "train", "val": "val", "test": "test_2016_flickr"},
            "29,000 + 1,014 + 1,000 image captions in English and German; raw text",
            {
                "train.en": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
                "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
                "val.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
                "val.de": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
                "test_2016_flickr.en": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
                "test_2016_flickr.de": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
            },
        ),
    },
)


def read_corpus(dataset: str, languages: tuple[str, str] = ("en", "de"), data_dir: str | Path | None = None) -> Corpus:
    """Read parallel text in the splits train, val and test.

    Parameters
    ----------
    dataset : str
        One of `CORPORA`; or the path of a folder with two files per split, ``train.en`` and ``train.de``, ``val.en``
        and so on, plain or as ``.gz``, with one sentence per line.
    languages : tuple of str
        The file suffixes of the source language and the target language.
    data_dir : path, optional
        For a named data set: the folder with its files, or with a folder of its name; default ``data``.

    Returns
    -------
    Corpus
        Sentences as `sentences_of` reads them.

    Raises
    ------
    MissingFileError
        When the folder or some of its files are missing; the message names all of them.
    CorruptFileError, InvalidValueError
        When files are unusable; see `read_parallel`.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for split in ("train", "val", "test"):
    ...     _ = (folder / f"{split}.en").write_text("A dog runs.\\nTwo men.\\n")
    ...     _ = (folder / f"{split}.de").write_text("Ein Hund rennt.\\nZwei Männer.\\n", encoding="utf-8")
    >>> read_corpus(str(folder)).train.target
    ('Ein Hund rennt.', 'Zwei Männer.')
    """
    source, target = languages
    if source == target:
        raise InvalidValueError(f"source and target language are both {source!r}: give two different file suffixes")
    if dataset in CORPORA:
        folder, files = dataset_folder(dataset, data_dir), CORPORA[dataset]
    else:
        folder, files = _own_folder(dataset), CorpusFiles({split: split for split in SPLITS}, "")
    names = [(f"{files.stems[split]}.{source}", f"{files.stems[split]}.{target}") for split in SPLITS]
    paths = _paths(dataset, folder, [name for pair in names for name in pair])
    texts = [
        read_parallel(paths[one], paths[other], (files.checksums.get(one), files.checksums.get(other)))
        for one, other in names
    ]
    return Corpus(dataset, (source, target), *texts)


def _own_folder(dataset: str) -> Path:
    folder = Path(dataset)
    if not folder.is_dir():
        raise MissingFileError(
            f"dataset={dataset!r} is neither a folder nor a named parallel text: {suggest(dataset, list(CORPORA))}"
        )
    return folder


def _paths(dataset: str, folder: Path, names: list[str]) -> dict[str, Path]:
    """Return the path of each file, ``NAME.gz`` or ``NAME``."""
    paths: dict[str, Path] = {}
    for name in names:
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                paths.setdefault(name, path)
    missing = [name for name in names if name not in paths]
    if missing:
        where = ", or name their folder with data_dir=..." if dataset in CORPORA else ""
        raise MissingFileError(
            f"{dataset} needs {', '.join(missing)} (plain or as .gz; one sentence per line) in {folder}: "
            f"put the files there{where}"
        )
    return paths
