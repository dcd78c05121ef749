"""The environment of a run: versions, device and processes, and which process records."""

import platform
from typing import Any

import torch
from torch import distributed, nn

from topolearn.devices import model_of
from topolearn.version import own_version


def versions() -> dict[str, str]:
    """Return the versions on which the exact results may depend."""
    return {"topolearn": own_version(), "torch": torch.__version__}


def environment(models: list[nn.Module], data: str = "") -> dict[str, Any]:
    """Return versions, device, number of threads and of training processes, and the checksum of the data, if known."""
    device = next((parameter.device for model in models for parameter in model.parameters()), torch.device("cpu"))
    return {
        **versions(),
        "python": platform.python_version(),
        "platform": platform.system(),
        "device": model_of(device),
        "threads": str(torch.get_num_threads()),
        "processes": str(distributed.get_world_size() if _is_group() else 1),
        **({"data": data} if data else {}),
    }


def is_first_rank() -> bool:
    """Return whether this process is rank 0, or the only one."""
    return not _is_group() or distributed.get_rank() == 0


def _is_group() -> bool:
    return distributed.is_available() and distributed.is_initialized()
