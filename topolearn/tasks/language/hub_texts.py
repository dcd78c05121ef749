"""Text from the Hugging Face hub: fetched once with its own library, and cached as Parquet files."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from topolearn.errors import DownloadError, InvalidValueError
from topolearn.tasks.language.shards import make_cache
from topolearn.tasks.packages import hf_package

NAME = re.compile(r"\w[\w.-]*/[\w.-]+(:[\w.-]+)?")  # owner/name, or owner/name:configuration
KNOWN = {"train": ("train",), "val": ("validation", "valid", "val", "dev"), "test": ("test",)}
HELD_OUT = 0.05  # share of documents used for validation if a data set has no validation split


def is_hub_text(name: str) -> bool:
    """Return whether this is a valid name of a data set on the hub.

    Examples
    --------
    >>> [is_hub_text(name) for name in ("Salesforce/wikitext:wikitext-2-raw-v1", "a/b", "text", "a/b/c", "../text")]
    [True, True, False, False, False]
    """
    return NAME.fullmatch(name) is not None


def fetched_text(name: str, column: str, cache_dir: Path) -> Path:
    """Return the cache folder that holds the splits of a data set as Parquet files (``train.parquet`` and so on).

    If a data set has no validation split, the last twentieth of its training documents is used instead.

    Parameters
    ----------
    name : str
        ``owner/name`` or ``owner/name:configuration``; or a folder that `datasets` can load.
    column : str
        The column that holds the text.
    cache_dir : Path

    Raises
    ------
    MissingPackageError, DownloadError, InvalidValueError
        When `datasets` is not installed, or the data set cannot be fetched or has no such column or no training
        split.
    """
    from filelock import FileLock

    folder = hub_folder(name, column, cache_dir)
    make_cache(folder.parent)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            aside = folder.with_name(f".{secrets.token_hex(8)}")
            aside.mkdir()
            try:
                for split, rows in _splits(name, column).items():
                    rows.to_parquet(str(aside / f"{split}.parquet"))
                aside.replace(folder)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    return folder


def hub_folder(name: str, column: str, cache_dir: Path) -> Path:
    """Return the cache folder of a data set, which may not exist yet."""
    return cache_dir / "hub" / re.sub(r"[^\w.-]+", "--", f"{name} {column}")


def _splits(name: str, column: str) -> dict[str, Any]:
    """Return the rows of each split, with only the text column."""
    there = _loaded(name)
    splits = {
        split: there[known] for split, names in KNOWN.items() for known in names[::-1] if known in there
    }  # the first name takes precedence, as it overwrites the others
    if "train" not in splits:
        raise InvalidValueError(f"{name} has no split 'train', only {', '.join(there)}: choose another data set")
    for rows in splits.values():
        if column not in rows.column_names:
            raise InvalidValueError(
                f"{name} has no column {column!r}, only {', '.join(rows.column_names)}: name the text column"
            )
    if "val" not in splits:
        n = len(splits["train"])
        kept = n - max(1, round(HELD_OUT * n))
        rows = splits["train"]
        splits |= {"train": rows.select(range(kept)), "val": rows.select(range(kept, n))}
    return {split: rows.select_columns([column]) for split, rows in splits.items()}


def _loaded(name: str) -> Any:
    datasets = hf_package("datasets")
    set_name, _, configuration = name.partition(":")
    try:
        return datasets.load_dataset(set_name, configuration or None)
    except ConnectionError:
        raise DownloadError(
            f"there is no file or folder {name!r}, and the hub cannot be reached: check the path, or run "
            f"'hf download --repo-type dataset {set_name}' where there is a network, and give the path of its files"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:  # no such data set or configuration
        reason = " ".join(str(error).split())
        raise DownloadError(
            f"there is no file or folder {name!r}, and loading it from the hub fails ({reason[:300]}): check the "
            "name, and give a configuration as owner/name:configuration"
        ) from None
