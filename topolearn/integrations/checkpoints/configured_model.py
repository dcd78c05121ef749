"""The model that a config.json describes, without weights."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from topolearn.errors import CorruptFileError, MissingPackageError
from topolearn.files import read_json

CONFIG = "config.json"


def configured_model(folder: Path) -> nn.Module | None:
    """Return the model of transformers described by the ``config.json`` in a folder, on the meta device.

    No code from the checkpoint is run, and nothing is fetched.

    Returns
    -------
    torch.nn.Module or None
        None if there is no such file, or it belongs to another library; also, with a warning, if transformers does not
        know the architecture.

    Raises
    ------
    CorruptFileError, MissingPackageError
        When the file is not JSON or has values that transformers rejects, or transformers is not installed.
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
            f"{path} describes a model of transformers ({error}): pip install 'topolearn[hf]', or give n_heads= to "
            "identify layers by name"
        ) from None
    if not isinstance(model_type, str) or model_type not in transformers.CONFIG_MAPPING:
        warnings.warn(
            f"{path} has model_type {model_type!r}, which transformers {transformers.__version__} does not know, so "
            "layers have no groups: give n_heads= to identify them by name",
            stacklevel=5,
        )
        return None
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        config._attn_implementation = "eager"  # the file could name code on the hub
        with torch.device("meta"):
            return _class_of(config, transformers)(config)
    except Exception as error:  # each model raises its own kinds of errors
        reason = " ".join(str(error).split())
        raise CorruptFileError(
            f"{path} does not describe a model that transformers can build ({type(error).__name__}: {reason[:200]}): "
            "fetch it again, or give n_heads= to identify layers by name"
        ) from None


def head_of(model: nn.Module) -> nn.Module | None:
    """Return the layer of a model of transformers that is its output embeddings, or None if it has none."""
    ask: Any = getattr(model, "get_output_embeddings", None)
    try:
        return ask() if callable(ask) else None
    except NotImplementedError:  # raised by base classes of such models
        return None


def _class_of(config: Any, transformers: Any) -> Any:
    """Return the class named in the configuration, or else the model without a head."""
    for name in config.architectures or ():
        named = getattr(transformers, name, None)
        if isinstance(named, type) and issubclass(named, transformers.PreTrainedModel):
            return named
    return transformers.AutoModel.from_config
