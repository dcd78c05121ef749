"""The links of a sparse layer as its products read them: by output neuron and by input neuron."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from topolearn.errors import InvalidValueError

MOST = 2**31 - 1  # links, and neurons of a side, that 32 bits can number


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

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return self.crow.numel() - 1

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.col.numel()

    @property
    def rows(self) -> Tensor:
        """The output neuron of each link, int64, shape (n_links,)."""
        return torch.repeat_interleave(torch.arange(self.n_out, device=self.crow.device), self.crow.diff())

    @property
    def cells(self) -> Tensor:
        """The links as sorted flat positions, ``output * n_in + input``."""
        return self.rows * self.n_in + self.col

    @cached_property
    def across(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pointers and output neurons of the links of each input neuron, and the places of these links among all."""
        places = np.arange(self.n_links, dtype=np.int32)
        by_output = sparse.csr_array((places, self.col.numpy(), self.crow.numpy()), shape=(self.n_out, self.n_in))
        by_input = by_output.tocsc()
        return by_input.indptr.astype(np.int64), by_input.indices.astype(np.int32), by_input.data
