"""Packages of the extra `[hf]`, imported when they are first used."""

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
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(f"{error}: pip install 'topolearn[hf]'") from None


def check_hf_packages(names: Iterable[str]) -> None:
    """Refuse to begin a training that would miss a package later, as at its first evaluation.

    Raises
    ------
    MissingPackageError
    """
    for name in names:
        hf_package(name)
