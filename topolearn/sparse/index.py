"""The links of a sparse layer as its products read them: by output neuron and by input neuron."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sparse.change import LinkChange

MOST = 2**31 - 1  # links, and neurons of a side, that 32 bits can number


class Direction:
    """The links of each neuron of a side, as addresses that a kernel can be called with at no cost.

    Attributes
    ----------
    pointers : array of int64, shape (n_neurons + 1,)
    addresses : tuple of int
        Of the pointers, of the neurons at the other ends, and of the links' places among all, if these are needed.
    """

    def __init__(self, pointers: np.ndarray, *others: np.ndarray) -> None:
        self.pointers, self._others = pointers, others
        self.n_neurons, self.n_links = pointers.size - 1, int(pointers[-1])
        self.n_bytes = sum(each.nbytes for each in (pointers, *others))
        self.addresses = tuple(each.ctypes.data for each in (pointers, *others))
        self._bounds: dict[int, tuple[int, np.ndarray]] = {}

    def bounds(self, n_parts: int) -> int:
        """Return the address of the n_parts + 1 bounds of parts with about as many links each."""
        if n_parts not in self._bounds:
            bounds = np.searchsorted(self.pointers, np.arange(n_parts + 1) * self.n_links // n_parts).astype(np.int64)
            bounds[0], bounds[-1] = 0, self.n_neurons
            self._bounds[n_parts] = bounds.ctypes.data, bounds
        return self._bounds[n_parts][0]


@dataclass(frozen=True)
class LinkIndex:
    """Where the links of a layer lead, in both directions.

    Attributes
    ----------
    crow, col : Tensor of int64, shape (n_out + 1,), and int32, shape (n_links,)
        Input neurons of output u: ``col[crow[u]:crow[u + 1]]``, sorted.
    n_in : int
        Number of input neurons.
    """

    crow: Tensor
    col: Tensor
    n_in: int

    @classmethod
    def of_cells(cls, cells: Tensor, n_out: int, n_in: int) -> LinkIndex:
        """Return the index of sorted flat positions, ``output * n_in + input``, on their device.

        Raises
        ------
        InvalidValueError
            When there are more links or neurons than 32 bits can number.
        """
        if max(cells.numel(), n_in, n_out) > MOST:
            raise InvalidValueError(
                f"a layer of {n_out} x {n_in} neurons with {cells.numel()} links is too large: at most {MOST} of each"
            )
        crow = torch.zeros(n_out + 1, dtype=torch.int64, device=cells.device)
        outputs = torch.div(cells, n_in, rounding_mode="floor")
        torch.cumsum(torch.bincount(outputs, minlength=n_out), 0, out=crow[1:])
        return cls(crow, (cells - outputs * n_in).to(torch.int32), n_in)

    def changed(self, change: LinkChange) -> LinkIndex:
        """Return the index after a change of the links; this one is left as it is."""
        lost, grown = (cells // self.n_in for cells in (change.lost, change.grown))
        more = torch.bincount(grown, minlength=self.n_out) - torch.bincount(lost, minlength=self.n_out)
        crow = self.crow.clone()
        crow[1:] += more.cumsum(0)
        return LinkIndex(crow, change.moved(self.col, (change.grown - grown * self.n_in).to(torch.int32)), self.n_in)

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return self.crow.numel() - 1

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.col.numel()

    @property
    def n_bytes(self) -> int:
        """Bytes of both directions together."""
        return self.crow.nbytes + self.col.nbytes + self.across.n_bytes

    @property
    def rows(self) -> Tensor:
        """The output neuron of each link, int64, shape (n_links,)."""
        return torch.repeat_interleave(torch.arange(self.n_out, device=self.crow.device), self.crow.diff())

    @property
    def cells(self) -> Tensor:
        """The links as sorted flat positions, ``output * n_in + input``."""
        return self.rows * self.n_in + self.col

    @cached_property
    def along(self) -> Direction:
        """The links of each output neuron, for the kernels of the CPU."""
        return Direction(self.crow.numpy(), self.col.numpy())

    @cached_property
    def across(self) -> Direction:
        """The links of each input neuron, and their places among all, for the kernels of the CPU."""
        places = np.arange(self.n_links, dtype=np.int32)
        by_output = sparse.csr_array((places, self.col.numpy(), self.crow.numpy()), shape=(self.n_out, self.n_in))
        by_input = by_output.tocsc()
        return Direction(by_input.indptr.astype(np.int64), by_input.indices.astype(np.int32), by_input.data)


@cache
def complete_index(n_out: int, n_in: int) -> LinkIndex:
    """Return the index of a dense layer on the CPU: all links, in the order of its weight.

    Examples
    --------
    >>> complete_index(2, 3).col.tolist()
    [0, 1, 2, 0, 1, 2]
    """
    return LinkIndex.of_cells(torch.arange(n_out * n_in, device="cpu"), n_out, n_in)
