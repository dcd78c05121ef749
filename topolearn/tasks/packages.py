"""Packages of the extra `[hf]`, imported when they are first used."""

import importlib
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
