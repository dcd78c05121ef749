"""Convert adjacencies from numpy, scipy and torch, and to torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.graph import checks
from topolearn.registry import suggest

if TYPE_CHECKING:
    import torch

    from topolearn.graph.bipartite.graph import BipartiteGraph

Cells = NDArray[np.int64]
Ends = tuple[NDArray[Any], ...]


def read_adjacency(adjacency: Any) -> tuple[Cells, int, int]:
    """Return the sorted cells, n_in and n_out of an adjacency of any supported type."""
    read: Callable[[Any], Ends]
    if is_tensor(adjacency):
        numeric, read = not adjacency.dtype.is_complex, _torch_links
    elif _is_scipy(adjacency):
        numeric, read = adjacency.dtype.kind in "biuf", _scipy_links
    elif isinstance(adjacency, np.ndarray):
        numeric, read = adjacency.dtype.kind in "biuf", _numpy_links
    else:
        raise InvalidTypeError(
            f"adjacency is a {type(adjacency).__name__}: pass a scipy sparse array, a numpy array or a torch "
            "tensor of shape (n_out, n_in)"
        )
    if not numeric:
        raise InvalidTypeError(f"adjacency has dtype {adjacency.dtype}: pass booleans, integers or floats")
    if len(adjacency.shape) != 2:
        raise InvalidValueError(
            f"adjacency has shape {tuple(adjacency.shape)}: pass an array of two dimensions, (n_out, n_in)"
        )
    n_out, n_in = adjacency.shape
    n_in, n_out = checks.sizes(n_in, n_out)
    outputs, inputs = read(adjacency)
    _reject_outside(outputs, n_out, "row")
    _reject_outside(inputs, n_in, "column")
    cells = outputs.astype(np.int64) * n_in + inputs
    ordered = (np.diff(cells) > 0).all()
    return cells if ordered else np.unique(cells), n_in, n_out


def to_torch(
    graph: BipartiteGraph, device: torch.device | str | None = None, layout: Literal["mask", "csr"] = "mask"
) -> torch.Tensor:
    """Return the adjacency as a tensor of shape (n_out, n_in).

    Parameters
    ----------
    graph : BipartiteGraph
        The graph.
    device : torch.device or str, optional
        The device of the tensor; torch's default device if None.
    layout : {"mask", "csr"}
        "mask" is dense and boolean. "csr" is sparse, with a float32 one for each link, because torch cannot multiply
        boolean sparse matrices.

    Raises
    ------
    UnknownNameError
        When `layout` is unknown.

    Examples
    --------
    >>> from topolearn.graph import BipartiteGraph
    >>> BipartiteGraph(np.eye(2)).to_torch()
    tensor([[ True, False],
            [False,  True]])
    """
    import torch

    if layout == "mask":
        place = torch.get_default_device() if device is None else torch.device(device)
        if place.type == "cpu":
            return torch.from_numpy(graph.to_scipy().toarray())
        mask = torch.zeros(graph.shape, dtype=torch.bool, device=place)
        mask.view(-1)[torch.tensor(graph.cells, device=place)] = True
        return mask
    if layout == "csr":
        crow = torch.tensor(np.concatenate([[0], np.cumsum(graph.fan_in)]), device=device)
        col = torch.tensor(graph.cells % graph.n_in, device=device)
        ones = torch.ones(graph.n_links, device=device, dtype=torch.float32)
        return torch.sparse_csr_tensor(crow, col, ones, size=graph.shape, check_invariants=False)
    raise UnknownNameError(f"unknown layout {layout!r}: {suggest(str(layout), ['mask', 'csr'])}")


def is_tensor(value: Any) -> bool:
    """Return whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")  # a tensor can only exist where torch is loaded
    return torch is not None and isinstance(value, torch.Tensor)


def _is_scipy(value: Any) -> bool:
    return sparse.issparse(value)


def _numpy_links(adjacency: NDArray[Any]) -> Ends:
    adjacency = np.ma.filled(adjacency, 0)  # a masked entry is no link, whatever value it hides
    if adjacency.dtype.kind == "f" and np.isnan(adjacency).any():
        _reject_nan(np.argwhere(np.isnan(adjacency))[0])
    return np.nonzero(np.asarray(adjacency))


def _scipy_links(adjacency: Any) -> Ends:
    stored = adjacency.tocoo()
    if stored.data.dtype.kind == "f" and np.isnan(stored.data).any():
        i = int(np.isnan(stored.data).argmax())
        _reject_nan((stored.row[i], stored.col[i]))
    if adjacency.format == "bsr":  # blocks are padded with zeros; tocoo already drops those of dia
        return stored.row[stored.data != 0], stored.col[stored.data != 0]
    return stored.row, stored.col


def _torch_links(adjacency: torch.Tensor) -> Ends:
    import torch

    adjacency = adjacency.detach()
    if adjacency.is_meta:
        raise InvalidValueError("adjacency is on the meta device, which stores no values: pass a tensor with values")
    if adjacency.layout == torch.strided:
        if adjacency.is_floating_point() and adjacency.isnan().any():
            _reject_nan(adjacency.isnan().nonzero()[0].tolist())
        outputs, inputs = (adjacency != 0).nonzero(as_tuple=True)
        return outputs.cpu().numpy(), inputs.cpu().numpy()
    if adjacency.layout == torch.sparse_csr:
        crow = adjacency.crow_indices().cpu().numpy()
        rows, columns = np.repeat(np.arange(crow.size - 1), np.diff(crow)), adjacency.col_indices().cpu().numpy()
        _reject_stored_nan(adjacency.values(), rows, columns)
        return rows, columns
    if adjacency.layout == torch.sparse_coo and adjacency.dense_dim() == 0:
        outputs, inputs = adjacency._indices().cpu().numpy()  # indices() raises unless the tensor is coalesced
        _reject_stored_nan(adjacency._values(), outputs, inputs)
        return outputs, inputs
    dense = adjacency.layout != torch.sparse_csc  # other layouts do not convert to CSR, or store zeros as padding
    cure = "to_dense" if dense else "to_sparse_csr"
    raise InvalidTypeError(f"adjacency has layout {adjacency.layout}: use adjacency.{cure}()")


def _reject_stored_nan(values: torch.Tensor, rows: NDArray[Any], columns: NDArray[Any]) -> None:
    if values.is_floating_point() and values.isnan().any():
        i = int(values.isnan().nonzero()[0])
        _reject_nan((rows[i], columns[i]))


def _reject_nan(position: Any) -> None:
    row, column = (int(i) for i in position)
    raise InvalidValueError(f"adjacency[{row}, {column}] is nan: replace it, for example with numpy.nan_to_num")


def _reject_outside(ends: NDArray[Any], n: int, axis: str) -> None:
    # torch may build sparse tensors without checking their indices
    if ends.size and (ends.min() < 0 or ends.max() >= n):
        bad = ends[(ends < 0) | (ends >= n)][0]
        raise InvalidValueError(f"adjacency stores an entry in {axis} {bad}: {axis}s are 0..{n - 1}")
