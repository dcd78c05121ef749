"""`settled_backend`: chooses the backend of a training's sparse layers if its configuration says "auto"."""

from collections.abc import Sequence
from typing import Any

from topolearn.evolution import Method
from topolearn.evolution.kinds import kind_of
from topolearn.sparse import CSR, MASKED, best_backend
from topolearn.sparse.choice import Crossovers
from topolearn.sparse.products.form import COMPILED
from topolearn.training.ranks import Ranks

# Density up to which compiled csr steps are faster than masked layers with autograd, measured at 0.2 to 0.7.
COMPILED_STEPS = Crossovers((1,), (128, 512, 1568), (32, 128, 512), (((0.7,) * 3, (0.6, 0.7, 0.6), (0.4, 0.5, 0.4)),))


def settled_backend(
    config: Any, device: str, method: Method, shapes: Sequence[tuple[int, int]], *, batch: int, compiles: bool = False
) -> str:
    """Return the requested backend, or if it is "auto" the faster one for the largest sparse layer.

    Parameters
    ----------
    config : TaskConfig
    device : str
        The actual device, not "auto".
    method : Method
    shapes : sequence of (int, int)
        Inputs and outputs of the sparse layers.
    batch : int
        Number of activations of each neuron in a step.
    compiles : bool
        Whether steps of the csr backend run in compiled code on the CPU.
    """
    if config.backend != "auto":
        return str(config.backend)
    falls_on_ranks = method.decays and Ranks().group is not None  # where parameters must not change size
    if method.is_dense or method.remembers_all or config.precision != "float32" or falls_on_ranks:
        return MASKED
    n_in, n_out = max(shapes, key=lambda shape: shape[0] * shape[1])
    is_alone = device == "cpu" and Ranks().group is None and not kind_of(method).acts_each_step
    if (
        compiles
        and COMPILED
        and is_alone
        and method.mean_density <= COMPILED_STEPS.at(n_in, n_out, batch=batch, threads=1)
    ):
        return CSR
    return best_backend(n_in, n_out, method.mean_density, batch=batch, threads=config.threads, device=device)
