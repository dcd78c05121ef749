"""`Memory`: the bytes that parameters, gradients, optimizer and links take while a model trains."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import nn

from topolearn.evolution import Method
from topolearn.evolution.kinds import kind_of
from topolearn.sparse import CSR, shape_of

INT32, INT64 = 4, 8


@dataclass(frozen=True)
class Memory:
    """Bytes of memory, without activations and without the temporary memory of updates.

    Attributes
    ----------
    weights : int
        All parameters and, where the method remembers every cell, the values of the cells that are not trained.
    gradients : int
        Gradients of all parameters that require one, except those that no forward pass uses.
    optimizer : int
        The values that the optimizer keeps per element of these parameters.
    indices : int
        The positions of the links. The masked backend has a mask of one byte per cell, the same mask as integers as
        wide as a weight (for masking gradients), and a list of the links at 8 bytes each; csr on a CPU has the links
        by output and by input neuron.
    """

    weights: int
    gradients: int
    optimizer: int
    indices: int

    @property
    def total(self) -> int:
        """The sum of all four."""
        return self.weights + self.gradients + self.optimizer + self.indices


def memory_of(
    model: nn.Module,
    links: Mapping[str, int],
    n_values: int,
    *,
    method: Method,
    backend: str,
    unused: Collection[int] = (),
) -> Memory:
    """Return the memory of a model whose layers have these numbers of links; without any, that of the dense model.

    Parameters
    ----------
    model : torch.nn.Module
        The dense model.
    links : Mapping of str to int
        Number of links of each sparse layer, by its name.
    n_values : int
        Values that the optimizer keeps per element of a parameter.
    method : Method
    backend : {"masked", "csr"}
    unused : collection of int
        Identities of parameters that no forward pass uses: they take memory, but have no gradient.
    """
    layers = {id(model.get_submodule(name).get_parameter("weight")): name for name in links}
    weights = trained = indices = 0
    for parameter in model.parameters():
        name = layers.get(id(parameter))
        n, width = parameter.numel(), parameter.itemsize
        held = links[name] if name is not None and backend == CSR else n
        weights += held * width
        trained += held * width * (parameter.requires_grad and id(parameter) not in unused)
        if name is None:
            continue
        if method.remembers_all:
            weights += n * width
        n_out, n_in = shape_of(model.get_submodule(name))
        if backend == CSR:
            indices += INT64 * (n_out + 1 + n_in + 1) + 3 * INT32 * links[name]
        else:
            masks = 2 if kind_of(method).reselects else 1
            indices += n * (masks + width) + INT64 * links[name]
    return Memory(weights, trained, n_values * trained, indices)
