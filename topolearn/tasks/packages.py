"""Packages of the extra `[hf]`, imported when they are first used."""

import importlib
from typing import Any

from topolearn.errors import MissingPackageError

OF_TRAINING = ("transformers", "accelerate", "tokenizers", "sacrebleu")


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


def check_hf_packages() -> None:
    """Refuse to begin a training that would miss a package later, as at its first evaluation.

    Raises
    ------
    MissingPackageError
    """
    for name in OF_TRAINING:
        hf_package(name)
