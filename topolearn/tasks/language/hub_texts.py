"""Text from the hub of Hugging Face: fetched once by its own library, and kept as Parquet files."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from topolearn.errors import DownloadError, InvalidValueError
from topolearn.tasks.packages import hf_package

NAME = re.compile(r"\w[\w.-]*/[\w.-]+(:[\w.-]+)?")  # owner/name, or owner/name:configuration
KNOWN = {"train": ("train",), "val": ("validation", "valid", "val", "dev"), "test": ("test",)}
HELD_OUT = 0.05  # of the documents, for validation, where a set has none


def is_hub_text(name: str) -> bool:
    """Return whether text on the hub can have this name.

    Examples
    --------
    >>> [is_hub_text(name) for name in ("Salesforce/wikitext:wikitext-2-raw-v1", "a/b", "text", "a/b/c", "../text")]
    [True, True, False, False, False]
    """
    return NAME.fullmatch(name) is not None


def fetched_text(name: str, column: str, cache_dir: Path) -> Path:
    """Return the folder of the cache that holds the splits of a set, ``train.parquet``, ``val.parquet``, and ``test``.

    A set without validation text gives up its last documents for it, one in twenty.

    Parameters
    ----------
    name : str
        ``owner/name`` or ``owner/name:configuration``; or a folder that `datasets` can load.
    column : str
        Which has the text.
    cache_dir : Path

    Raises
    ------
    MissingPackageError, DownloadError, InvalidValueError
        When `datasets` is not installed, the set cannot be fetched, or it has no such column or no training text.
    """
    from filelock import FileLock

    folder = hub_folder(name, column, cache_dir)
    folder.parent.mkdir(parents=True, exist_ok=True)
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
    """Return the folder of a cache that holds a set, or will."""
    return cache_dir / "hub" / re.sub(r"[^\w.-]+", "--", f"{name} {column}")


def _splits(name: str, column: str) -> dict[str, Any]:
    """Return the rows of each split, of the column alone."""
    there = _loaded(name)
    splits = {
        split: there[known] for split, names in KNOWN.items() for known in names[::-1] if known in there
    }  # the first of its names that there is
    if "train" not in splits:
        raise InvalidValueError(f"{name} has no split 'train' but {', '.join(there)}: choose another set")
    for rows in splits.values():
        if column not in rows.column_names:
            raise InvalidValueError(
                f"{name} has no column {column!r} but {', '.join(rows.column_names)}: name its column"
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
            f"there is no file or folder {name!r}, and no text of that name can be fetched without a network: check "
            f"the path, or run 'hf download --repo-type dataset {set_name}' where there is a network and give its files"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:  # of a set, or a configuration, that is not there
        reason = " ".join(str(error).split())
        raise DownloadError(
            f"there is no file or folder {name!r}, and the hub gives no text of that name ({reason[:300]}): check the "
            "name, and name a configuration as owner/name:configuration"
        ) from None
