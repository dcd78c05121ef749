"""Packages of the extras `[hf]` and `[eval]`, imported on first use."""

import importlib
from collections.abc import Iterable
from typing import Any

from topolearn.errors import MissingPackageError


def hf_package(name: str) -> Any:
    """Return a module that the extra `[hf]` provides.

    Raises
    ------
    MissingPackageError
        When it is not installed; the message has the command that installs it.
    """
    return _package(name, "hf")


def eval_package(name: str) -> Any:
    """Return a module that the extra `[eval]` provides.

    Raises
    ------
    MissingPackageError
        When it is not installed; the message has the command that installs it.
    """
    return _package(name, "eval")


def check_hf_packages(names: Iterable[str]) -> None:
    """Raise before training if a package is missing that is needed later, such as at the first evaluation.

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
