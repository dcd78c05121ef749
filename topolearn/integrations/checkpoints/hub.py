"""Models on the Hugging Face hub: fetched once, with its own library, into its own cache."""

import re
from pathlib import Path

from topolearn.errors import DownloadError, MissingPackageError
from topolearn.integrations.checkpoints.weight_files import PICKLES, SUFFIX

NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")  # owner/name, or the bare name of an old model
WANTED = ["*.safetensors", "*.safetensors.index.json", "config.json"]
OF_FILES = (SUFFIX, ".json", *PICKLES)
IGNORED = ["*/*", "consolidated*"]  # other formats, and a second copy of the same weights


def is_hub_name(name: str) -> bool:
    """Return whether this is a valid name of a model on the hub.

    Examples
    --------
    >>> [is_hub_name(name) for name in ("openai/circuit-sparsity", "gpt2", "./gpt2", "a/b/c", "model.safetensors")]
    [True, True, False, False, False]
    """
    return NAME.fullmatch(name) is not None and not name.endswith(OF_FILES)


def fetched(name: str) -> Path:
    """Fetch a model if needed, and return the cache folder that has its weights and configuration.

    Raises
    ------
    MissingPackageError, DownloadError
        When the library is not installed, the hub cannot be reached, or it has no such model.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
    except ImportError as error:
        raise MissingPackageError(
            f"there is no file or folder {name!r}, and models on the hub need huggingface_hub ({error}): "
            "pip install 'topolearn[hf]'"
        ) from None
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED, ignore_patterns=IGNORED))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        raise DownloadError(
            f"there is no file or folder {name!r}, and the hub cannot be reached: check the path, or run "
            f"'hf download {name}' where there is a network, and give the folder that it prints"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise DownloadError(
            f"there is no file or folder {name!r}, and loading it from the hub fails ({reason[:200]}): check the "
            "name; models with restricted access need 'hf auth login'"
        ) from None
