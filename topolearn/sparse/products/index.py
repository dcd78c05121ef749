"""The links of a sparse layer, indexed for its products by output neuron and by input neuron."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from topolearn.errors import InvalidValueError
from topolearn.sparse.change import LinkChange

MOST = 2**31 - 1  # links, and neurons of a side, that int32 can number
LEAST_PER_BLOCK = 32  # links of a neuron in a block; with fewer, blocks cost more time than they save
AT_ONCE = 2**20  # links whose blocks are counted at once, which bounds the memory of it


class Addressed:
    """An array and its address, looked up once: each lookup costs about a microsecond."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.address = array, int(array.ctypes.data)


class Direction:
    """The links of each neuron of a side, as arrays whose addresses are ready for kernels.

    Parameters
    ----------
    n_others : int
        Number of neurons on the other side.
    **arrays : array
        By the names that kernels give them: first where the links of each neuron begin, int64, shape (n_neurons + 1,);
        then the arrays with an entry per link, int32, shape (n_links,), first the neuron on the other side, ascending
        within a neuron.

    Attributes
    ----------
    arrays : dict of str to array
    addresses : dict of str to int
        The addresses of the arrays.
    """

    def __init__(self, n_others: int, **arrays: np.ndarray) -> None:
        self.arrays, self._n_others = arrays, n_others
        self._begins, self._others, *_ = arrays.values()
        self.n_neurons, self.n_links = self._begins.size - 1, int(self._begins[-1])
        self.addresses: dict[str, int] = {name: each.ctypes.data for name, each in arrays.items()}
        self._chunks: dict[int, Addressed] = {}
        self._blocks: dict[int, Addressed] = {1: Addressed(self._begins)}

    @property
    def n_bytes(self) -> int:
        """Bytes of the arrays, and of the blocks that products have used."""
        blocks = [each.array for n, each in self._blocks.items() if n > 1]  # a single block begins where the links do
        return sum(each.nbytes for each in (*self.arrays.values(), *blocks))

    def bounds(self, n_chunks: int) -> int:
        """Return the address of the n_chunks + 1 bounds of chunks with about the same number of links."""
        return self._chunked(n_chunks).address

    def link_bounds(self, n_chunks: int) -> np.ndarray:
        """Return the bounds of the links of the chunks of `bounds`, int64, shape (n_chunks + 1,)."""
        return self._begins[self._chunked(n_chunks).array]

    def _chunked(self, n_chunks: int) -> Addressed:
        if n_chunks not in self._chunks:
            bounds = np.searchsorted(self._begins, np.arange(n_chunks + 1) * self.n_links // n_chunks).astype(np.int64)
            bounds[0], bounds[-1] = 0, self.n_neurons
            self._chunks[n_chunks] = Addressed(bounds)
        return self._chunks[n_chunks]

    def n_blocks(self, row_bytes: int, block_bytes: int) -> int:
        """Return into how many blocks to cut the other side, so that the rows of a block fit into a cache.

        Parameters
        ----------
        row_bytes : int
            Bytes that a link reads of the neuron on its other side.
        block_bytes : int
            Bytes that the rows of a block may have; more where neurons would have too few links per block.
        """
        n_wanted = -(-self._n_others * row_bytes // block_bytes)
        return max(1, min(n_wanted, self.n_links // max(1, LEAST_PER_BLOCK * self.n_neurons)))

    def blocks(self, n_blocks: int) -> int:
        """Return the address of where the links of each neuron to each block of the other side begin, int64.

        Entry ``u * n_blocks + b`` is for neuron u and block b. All blocks but the last have equally many neurons.
        """
        if n_blocks not in self._blocks:
            self._blocks[n_blocks] = Addressed(self._begins_in_blocks(n_blocks))
        return self._blocks[n_blocks].address

    def _begins_in_blocks(self, n_blocks: int) -> np.ndarray:
        width = -(-self._n_others // n_blocks)
        begins = np.zeros(self.n_neurons * n_blocks + 1, dtype=np.int64)
        chunks = self._chunked(self.n_links // AT_ONCE + 1).array.tolist()
        for first, last in pairwise(chunks):
            links = slice(*self._begins[[first, last]])
            neurons = np.repeat(np.arange(last - first) * n_blocks, np.diff(self._begins[first : last + 1]))
            counts = np.bincount(neurons + self._others[links] // width, minlength=(last - first) * n_blocks)
            begins[first * n_blocks + 1 : last * n_blocks + 1] = counts
        return np.cumsum(begins, out=begins)


@dataclass(frozen=True)
class LinkIndex:
    """The links of a layer in both directions.

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
            When there are more links or neurons than int32 can number.
        """
        if max(cells.numel(), n_in, n_out) > MOST:
            raise InvalidValueError(
                f"a layer of {n_out} x {n_in} neurons with {cells.numel()} links is too large: at most {MOST} links "
                "and as many neurons per side are supported"
            )
        crow = torch.zeros(n_out + 1, dtype=torch.int64, device=cells.device)
        outputs = torch.div(cells, n_in, rounding_mode="floor")
        torch.cumsum(torch.bincount(outputs, minlength=n_out), 0, out=crow[1:])
        return cls(crow, (cells - outputs * n_in).to(torch.int32), n_in)

    def check(self, values: Tensor, bias: Tensor | None = None) -> None:
        """Check that there is a value per link and a bias per output, in order; kernels read their memory unchecked.

        Raises
        ------
        InvalidValueError
        """
        if values.numel() != self.col.numel() or not values.is_contiguous():
            raise self._mismatch("values", values, self.n_links)
        if bias is not None and (bias.numel() != self.n_out or not bias.is_contiguous()):
            raise self._mismatch("biases", bias, self.n_out)

    def _mismatch(self, name: str, tensor: Tensor, n: int) -> InvalidValueError:
        return InvalidValueError(
            f"a layer with {self.n_links} links and {self.n_out} outputs has {name} of shape {tuple(tensor.shape)} and "
            f"strides {tensor.stride()}, but needs {n} contiguous {name}: other code has replaced them; use "
            "layer.set_links and layer.set_link_values"
        )

    def changed(self, change: LinkChange) -> LinkIndex:
        """Return the index after a change of the links; this index does not change."""
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
    def device(self) -> torch.device:
        """Where the links are."""
        return self.col.device

    @property
    def n_bytes(self) -> int:
        """Bytes of both directions together."""
        return self.along.n_bytes + self.across.n_bytes

    @property
    def rows(self) -> Tensor:
        """The output neuron of each link, int64, shape (n_links,)."""
        return torch.repeat_interleave(torch.arange(self.n_out, device=self.crow.device), self.crow.diff())

    @property
    def cells(self) -> Tensor:
        """The links as sorted flat positions, ``output * n_in + input``."""
        return self.rows.mul_(self.n_in).add_(self.col)  # in place: wide layers have millions

    @cached_property
    def along(self) -> Direction:
        """The links of each output neuron, `crow` and `col`, for the CPU kernels."""
        return Direction(self.n_in, crow=self.crow.numpy(), col=self.col.numpy())

    @cached_property
    def across(self) -> Direction:
        """The links of each input neuron, `ccol` and `row`, and their `places` among all links, for the CPU kernels."""
        places = np.arange(self.n_links, dtype=np.int32)
        by_output = sparse.csr_array((places, self.col.numpy(), self.crow.numpy()), shape=(self.n_out, self.n_in))
        by_input = by_output.tocsc()
        ccol, row = by_input.indptr.astype(np.int64), by_input.indices.astype(np.int32)
        return Direction(self.n_out, ccol=ccol, row=row, places=by_input.data)

    @cached_property
    def places_by_input(self) -> np.ndarray:
        """The place of each link of `col` in the order of `across`, int32, shape (n_links,)."""
        places = np.empty(self.n_links, dtype=np.int32)
        places[self.across.arrays["places"]] = np.arange(self.n_links, dtype=np.int32)
        return places


@cache
def complete_index(n_out: int, n_in: int) -> LinkIndex:
    """Return the index of a dense layer on the CPU: all cells are links, in the order of its weight.

    Examples
    --------
    >>> complete_index(2, 3).col.tolist()
    [0, 1, 2, 0, 1, 2]
    """
    return LinkIndex.of_cells(torch.arange(n_out * n_in, device="cpu"), n_out, n_in)
