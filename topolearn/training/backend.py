"""`settled_backend`: how the sparse layers of a training compute, where its configuration leaves that open."""

from collections.abc import Sequence
from typing import Any

from topolearn.evolution import Method
from topolearn.sparse import MASKED, best_backend
from topolearn.training.ranks import Ranks


def settled_backend(config: Any, device: str, method: Method, shapes: Sequence[tuple[int, int]], *, batch: int) -> str:
    """Return the backend asked for, else the faster one for the largest sparse layer.

    Parameters
    ----------
    config : TaskConfig
    device : str
        Settled.
    method : Method
    shapes : sequence of (int, int)
        Inputs and outputs of the sparse layers.
    batch : int
        Activations of a neuron in a step.
    """
    if config.backend != "auto":
        return str(config.backend)
    falls_on_ranks = method.decays and Ranks().group is not None  # where no parameter may change its size
    if method.is_dense or method.remembers_all or config.precision != "float32" or falls_on_ranks:
        return MASKED
    n_in, n_out = max(shapes, key=lambda shape: shape[0] * shape[1])
    return best_backend(n_in, n_out, method.mean_density, batch=batch, threads=config.threads, device=device)
