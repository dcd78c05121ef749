"""The topology of one layer."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

# The methods of each format are in a separate file, which imports this one only for type hints.
from topolearn.graph import checks, exploring, tensors
from topolearn.graph.bipartite import convert, files, frames
from topolearn.graph.immutable import Immutable, read_only
from topolearn.showing import shown_by

if TYPE_CHECKING:
    from topolearn.graph.reading.source import Source

Integers = NDArray[np.int64]
Names = Iterable[str] | None


class BipartiteGraph(Immutable):
    """The topology of one layer: input neurons, output neurons and the links between them.

    A graph is immutable. Its properties are plain values and read-only arrays; its methods return new copies.

    Parameters
    ----------
    adjacency : array of shape (n_out, n_in)
        Rows are output neurons, as in ``torch.nn.Linear.weight``. In a numpy array or a dense torch tensor, each
        non-zero is a link, unless a mask hides it. In a scipy array or a sparse torch tensor (CSR, COO), each stored
        entry is a link, even a zero (except in the scipy formats bsr and dia, which store zeros as padding).
    input_names, output_names : sequence of str, optional
        One name for each neuron of the side; names must be unique.

    Raises
    ------
    InvalidTypeError
        When `adjacency` has another type or is not numeric, or a name is not a string.
    InvalidValueError
        When `adjacency` is not two-dimensional, has an empty side or a NaN, or names are too few, too many or repeated.

    Examples
    --------
    >>> import numpy as np
    >>> graph = BipartiteGraph(np.array([[1, 0, 1], [0, 0, 1]]))
    >>> graph
    BipartiteGraph(3 inputs x 2 outputs, 3 links, density 50.00%, fan-in 1-2, fan-out 0-2)
    >>> graph.edges().tolist()
    [[0, 0], [2, 0], [2, 1]]
    """

    __slots__ = ("_fan_in", "_fan_out", "_indices", "_indptr", "_input_names", "_n_in", "_output_names", "_source")

    _n_in: int
    _indptr: Integers
    _indices: Integers
    _fan_in: Integers
    _fan_out: Integers
    _input_names: tuple[str, ...] | None
    _output_names: tuple[str, ...] | None
    _source: "Source | None"

    def __init__(self, adjacency: Any, *, input_names: Names = None, output_names: Names = None) -> None:
        cells, n_in, n_out = tensors.read_adjacency(adjacency)
        self._fill_cells(cells, n_in, n_out, input_names, output_names)

    def _fill_cells(self, cells: Integers, n_in: int, n_out: int, input_names: Names, output_names: Names) -> None:
        outputs = cells // n_in
        inputs = cells - outputs * n_in
        fan_in = np.bincount(outputs, minlength=n_out)
        self._fill(
            _n_in=n_in,
            _indptr=read_only(np.concatenate([[0], np.cumsum(fan_in)]).astype(np.int64)),
            _indices=read_only(inputs),
            _fan_in=read_only(fan_in),
            _fan_out=read_only(np.bincount(inputs, minlength=n_in)),
            _input_names=checks.names(input_names, n_in, "input"),
            _output_names=checks.names(output_names, n_out, "output"),
            _source=None,
        )

    @classmethod
    def from_edges(
        cls, edges: ArrayLike, n_in: int, n_out: int, *, input_names: Names = None, output_names: Names = None
    ) -> Self:
        """Make a graph from (k, 2) integer rows (input, output), in any order, with each link once.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When a row is not integer, out of range or repeated; the message quotes it.

        Examples
        --------
        >>> BipartiteGraph.from_edges([(0, 0), (2, 1)], n_in=3, n_out=2).fan_out
        array([1, 0, 1])
        """
        n_in, n_out = checks.sizes(n_in, n_out)
        cells = checks.cells_of_edges(edges, n_in, n_out)
        return cls.from_cells(cells, n_in, n_out, input_names=input_names, output_names=output_names)

    @classmethod
    def from_cells(
        cls, cells: ArrayLike, n_in: int, n_out: int, *, input_names: Names = None, output_names: Names = None
    ) -> Self:
        """Make a graph from 1-D integer cells ``output * n_in + input``, in any order, with each cell once.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            When a cell is not integer, out of range or repeated; the message quotes it.

        Examples
        --------
        >>> BipartiteGraph.from_cells([5, 0], n_in=3, n_out=2).edges().tolist()
        [[0, 0], [2, 1]]
        """
        n_in, n_out = checks.sizes(n_in, n_out)
        graph = cls.__new__(cls)
        graph._fill_cells(checks.sorted_cells(cells, n_in, n_out), n_in, n_out, input_names, output_names)
        return graph

    from_networkx = classmethod(convert.from_networkx)
    from_igraph = classmethod(convert.from_igraph)
    from_frame = classmethod(frames.from_frame)
    from_pairs = classmethod(frames.from_pairs)
    load = classmethod(files.load)

    @property
    def n_in(self) -> int:
        """Number of input neurons."""
        return self._n_in

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return self._indptr.size - 1

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the adjacency: (n_out, n_in)."""
        return self.n_out, self.n_in

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self._indices.size

    @property
    def density(self) -> float:
        """Share of the possible links that exist: n_links / n_cells."""
        return self.n_links / self.n_cells

    @property
    def n_cells(self) -> int:
        """Number of possible links, n_in * n_out; each is a cell, ``output * n_in + input``."""
        return self.n_in * self.n_out

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """Names of the input neurons, or None."""
        return self._input_names

    @property
    def output_names(self) -> tuple[str, ...] | None:
        """Names of the output neurons, or None."""
        return self._output_names

    @property
    def source(self) -> "Source | None":
        """How `read_graph` interpreted the file; None for a graph that was not read from one."""
        return self._source

    def with_source(self, source: "Source | None") -> Self:
        """Return the same graph with another `source`, which equality ignores."""
        graph = type(self).__new__(type(self))
        graph._fill(**{slot: getattr(self, slot) for slot in BipartiteGraph.__slots__} | {"_source": source})
        return graph

    @property
    def fan_in(self) -> Integers:
        """Number of links into each output neuron, shape (n_out,)."""
        return self._fan_in

    @property
    def fan_out(self) -> Integers:
        """Number of links out of each input neuron, shape (n_in,)."""
        return self._fan_out

    @property
    def degrees(self) -> Integers:
        """Number of links of every neuron, shape (n_in + n_out,), inputs first."""
        return read_only(np.concatenate([self.fan_out, self.fan_in]))

    @property
    def indptr(self) -> Integers:
        """Where in `indices` the inputs of each output neuron begin, as in scipy's csr_array; shape (n_out + 1,)."""
        return self._indptr

    @property
    def indices(self) -> Integers:
        """The input of each link, grouped by output and sorted within each group; shape (n_links,)."""
        return self._indices

    @property
    def cells(self) -> Integers:
        """Flat positions of the links in the adjacency, output * n_in + input, sorted, shape (n_links,)."""
        return read_only(np.repeat(np.arange(self.n_out) * self.n_in, self.fan_in) + self._indices)

    def edges(self) -> Integers:
        """Return the links as (n_links, 2) rows (input, output), sorted by input, then output."""
        by_input = self.to_scipy().tocsc()
        inputs = np.repeat(np.arange(self.n_in), np.diff(by_input.indptr))
        return np.column_stack([inputs, by_input.indices]).astype(np.int64)

    def to_scipy(self) -> sparse.csr_array:
        """Return the adjacency as a boolean csr_array of shape (n_out, n_in)."""
        links = np.ones(self.n_links, dtype=bool)
        return sparse.csr_array((links, self._indices, self._indptr), shape=self.shape, copy=True)

    to_torch = tensors.to_torch
    to_networkx = convert.to_networkx
    to_igraph = convert.to_igraph
    to_frame = frames.to_frame
    save = files.save
    _repr_html_ = shown_by("topolearn.plotting.cards:graph_card")
    explore = exploring.explore

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BipartiteGraph):
            return NotImplemented
        return (
            self.shape == other.shape
            and np.array_equal(self._indptr, other._indptr)
            and np.array_equal(self._indices, other._indices)
            and self.input_names == other.input_names
            and self.output_names == other.output_names
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.cells.tobytes(), self.input_names, self.output_names))

    def __reduce__(self) -> tuple[Any, ...]:
        build = partial(_rebuilt, type(self), input_names=self.input_names, output_names=self.output_names)
        return build, (self.source, self.cells, self.n_in, self.n_out)

    def __repr__(self) -> str:
        sides = f"{self.n_in} inputs x {self.n_out} outputs"
        if self.n_links == 0:
            return f"BipartiteGraph({sides}, no links)"
        fans = f"fan-in {_span(self.fan_in)}, fan-out {_span(self.fan_out)}"
        return f"BipartiteGraph({sides}, {self.n_links} links, density {percent(self.density)}, {fans})"


def percent(density: float) -> str:
    """Return a density as a percentage with two decimals, or two significant digits if those would be zeros."""
    return f"{100 * density:.2f}%" if density >= 1e-4 or density == 0 else f"{100 * density:.2g}%"


def _rebuilt(
    cls: type[BipartiteGraph], source: "Source | None", cells: Integers, n_in: int, n_out: int, **names: Names
) -> BipartiteGraph:
    graph = cls.from_cells(cells, n_in, n_out, **names)
    return graph if source is None else graph.with_source(source)


def _span(values: Integers) -> str:
    low, high = values.min(), values.max()
    return f"{low}" if low == high else f"{low}-{high}"
