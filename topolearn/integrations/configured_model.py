"""The architecture that a config.json describes, without weights."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from topolearn.errors import CorruptFileError, MissingPackageError
from topolearn.files import read_json

CONFIG = "config.json"


def configured_model(folder: Path) -> nn.Module | None:
    """Return the model of transformers that ``config.json`` in a folder describes, on the meta device.

    No program that comes with a checkpoint is run, and nothing is fetched.

    Returns
    -------
    torch.nn.Module or None
        None where there is no such file, or one of another library; and, with a warning, where transformers does not
        know the architecture.

    Raises
    ------
    CorruptFileError, MissingPackageError
        When it is not JSON, or has values that transformers refuses; or transformers is not installed.
    """
    path = folder / CONFIG
    if not path.is_file():
        return None
    model_type = read_json(path).get("model_type")
    if model_type is None:
        return None
    try:
        import transformers
    except ImportError as error:
        raise MissingPackageError(
            f"{path} describes a model of transformers ({error}): pip install 'topolearn[hf]', or give n_heads=, by "
            "which layers are known by their names"
        ) from None
    if not isinstance(model_type, str) or model_type not in transformers.CONFIG_MAPPING:
        warnings.warn(
            f"{path} is of model_type {model_type!r}, which transformers {transformers.__version__} does not know, so "
            "layers have no groups: with n_heads= they are known by their names",
            stacklevel=5,
        )
        return None
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        config._attn_implementation = "eager"  # one that the file names may be a program on the hub
        with torch.device("meta"):
            return _class_of(config, transformers)(config)
    except Exception as error:  # each model checks its values in its own way
        reason = " ".join(str(error).split())
        raise CorruptFileError(
            f"{path} describes no model that transformers can make ({type(error).__name__}: {reason[:200]}): fetch it "
            "again, or give n_heads=, by which layers are known by their names"
        ) from None


def head_of(model: nn.Module) -> nn.Module | None:
    """Return the layer of a model of transformers that is its output embeddings, or None if it has none."""
    ask: Any = getattr(model, "get_output_embeddings", None)
    try:
        return ask() if callable(ask) else None
    except NotImplementedError:  # as bases of such models say
        return None


def _class_of(config: Any, transformers: Any) -> Any:
    """Return the class that the checkpoint is of, or else the one without a head."""
    for name in config.architectures or ():
        named = getattr(transformers, name, None)
        if isinstance(named, type) and issubclass(named, transformers.PreTrainedModel):
            return named
    return transformers.AutoModel.from_config
