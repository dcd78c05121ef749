"""Packages of the extras `[hf]` and `[eval]`, imported when they are first used."""

import importlib
from collections.abc import Iterable
from typing import Any

from topolearn.errors import MissingPackageError


def hf_package(name: str) -> Any:
    """Return a module that the extra `[hf]` brings.

    Raises
    ------
    MissingPackageError
        When it is not installed; names the command that installs it.
    """
    return _package(name, "hf")


def eval_package(name: str) -> Any:
    """Return a module that the extra `[eval]` brings.

    Raises
    ------
    MissingPackageError
        When it is not installed; names the command that installs it.
    """
    return _package(name, "eval")


def check_hf_packages(names: Iterable[str]) -> None:
    """Refuse to begin a training that would miss a package later, as at its first evaluation.

    Raises
    ------
    MissingPackageError
    """
    for name in names:
        hf_package(name)


def _package(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(f"{error}: pip install 'topolearn[{extra}]'") from None
