"""The dense form of the path-based predictors: sums over paths of length three, without storing them."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from topolearn.linkpred.dense.node_based import blocks, weigh
from topolearn.linkpred.memory import check_memory, dense_bytes
from topolearn.linkpred.predictor import Weight
from topolearn.waiting import is_asynchronous, positions

BLOCK = 2**22  # elements of one batch of local products


def path_based(adjacency: Tensor, weight: Weight, *, block: int = BLOCK) -> Tensor:
    r"""Score every cell from its paths of length three, with batched products per local community.

    A path-based score sums :math:`w_{z_1} w_{z_2}` over the paths :math:`u - z_2 - z_1 - v`. With the adjacency
    :math:`A` (rows are outputs), :math:`F_{uz} = w(d_z, (A A^T)_{uz}, \cdot)` and
    :math:`G_{zv} = w(d_z, (A^T A)_{zv}, \cdot)`,

    .. math:: S_{uv} = \sum_{z_1, z_2} A_{u z_2} A_{z_1 z_2} A_{z_1 v}\, F_{u z_1} G_{z_2 v}

    For each output :math:`z_1` with neighbours :math:`H` this adds :math:`F_{\cdot z_1} \circ (A_{\cdot H} G_{HH})` to
    :math:`S_{\cdot H}`: :math:`2 n_{out} |H|^2` operations. Outputs of the same degree, across all layers, form one
    batch, which is split so that it holds at most `block` elements, or one output. If it is cheaper, inputs and outputs
    exchange roles. Sums are computed in a fixed order on every device.

    Parameters
    ----------
    adjacency : Tensor of a floating dtype, shape (n_layers, n_out, n_in)
        1 at links, 0 elsewhere.
    weight : callable
        As in `topolearn.linkpred.predictor.LinkPredictor`.
    block : int
        Number of elements of a batch.

    Returns
    -------
    Tensor, shape (n_layers, n_out, n_in)
        The scores; values at links have no meaning.

    Raises
    ------
    InvalidValueError
        When the products of the largest local community do not fit into memory.
    """
    n_layers, n_out, n_in = adjacency.shape
    degrees = torch.cat(
        (adjacency.sum(dim=2).flatten(), adjacency.sum(dim=1).flatten())
    ).cpu()  # the only synchronisation
    of_outputs, of_inputs = degrees.split((n_layers * n_out, n_layers * n_in))
    by_outputs, by_inputs = n_out * float(of_outputs.square().sum()), n_in * float(of_inputs.square().sum())
    if by_inputs < by_outputs or (by_inputs == by_outputs and n_in > n_out):
        return _through_rows(adjacency.mT, of_inputs.to(torch.int64), weight, block).contiguous()
    return _through_rows(adjacency, of_outputs.to(torch.int64), weight, block).mT.contiguous()


def _through_rows(adjacency: Tensor, known: Tensor, weight: Weight, block: int) -> Tensor:
    """Return the transposed scores from the local communities of the rows; ``known`` are their degrees on the host."""
    n_layers, n_rows, n_columns = adjacency.shape
    row_degrees, column_degrees = adjacency.sum(dim=2).flatten(), adjacency.sum(dim=1).flatten()
    largest = int(known.max())
    shape, itemsize = tuple(adjacency.shape), adjacency.element_size()
    local = itemsize * largest * (2 * n_rows + 2 * largest)
    check_memory(dense_bytes(shape, itemsize) + local, adjacency.device, shape)
    across = adjacency.mT.contiguous()
    table = _table(across, column_degrees, weight) if n_columns <= n_rows else None  # at most as large as the scores
    across = across.flatten(0, 1)  # contiguous, as whole rows are read and written
    scores = torch.zeros_like(across)
    for rows, members in _communities(adjacency, known, max(n_rows, n_columns if table is None else 1), block):
        places = members + (rows // n_rows * n_columns)[:, None]  # of the members among the columns of all layers
        reached = across[places]
        if table is None:
            pairs = weigh(column_degrees[places][:, None, :], reached @ reached.mT, weight)
        else:
            pairs = table[places[:, :, None], members[:, None, :]]
        contributions = pairs @ reached
        contributions *= weigh(row_degrees[rows][:, None], reached.sum(dim=1), weight)[:, None, :]
        _add(scores, places, contributions)
    return scores.view(n_layers, n_columns, n_rows)


def _table(across: Tensor, degrees: Tensor, weight: Weight) -> Tensor:
    """Return G transposed: the weight of each column neuron (column) for each seed (row, across all layers)."""
    n_layers, n_columns, _ = across.shape
    table = across @ across.mT
    degrees = degrees.view(n_layers, 1, n_columns)
    for rows in blocks(n_columns, n_layers * n_columns, BLOCK):
        table[:, rows] = weigh(degrees, table[:, rows], weight)
    return table.flatten(0, 1)


def _communities(adjacency: Tensor, known: Tensor, width: int, block: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of rows of the same degree, (b,), numbered across all layers, with the columns they link to."""
    adjacency = adjacency.flatten(0, 1)
    columns = positions((adjacency != 0).flatten(), int(known.sum())) % adjacency.shape[1]
    degrees = adjacency.sum(dim=1).to(torch.int64)
    first = degrees.cumsum(dim=0) - degrees
    by_degree = degrees.argsort(stable=True)
    for degree, rows in zip(*_runs(known, by_degree), strict=True):
        if degree < 2:
            continue  # such a neuron is on no path
        places = torch.arange(degree, device=rows.device)
        for batch in blocks(rows.numel(), degree * width, block):
            yield rows[batch], columns[first[rows[batch]][:, None] + places]


def _runs(known: Tensor, by_degree: Tensor) -> tuple[list[int], Sequence[Tensor]]:
    """Return the distinct degrees, and the rows of each."""
    degrees, counts = known.unique(return_counts=True)
    return degrees.tolist(), by_degree.split(counts.tolist())


def _add(scores: Tensor, members: Tensor, contributions: Tensor) -> None:
    """Add each contribution to its rows of the scores, in order."""
    if is_asynchronous(scores.device):
        _add_in_turn(scores, members, contributions)
    else:
        scores.index_add_(0, members.flatten(), contributions.flatten(0, 1))


def _add_in_turn(scores: Tensor, members: Tensor, contributions: Tensor) -> None:
    """Add one by one: within one call, a GPU adds to repeated rows in any order, so sums would vary."""
    for rows, contribution in zip(members, contributions, strict=True):
        scores.index_add_(0, rows, contribution)
