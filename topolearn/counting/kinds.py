"""`KindCount`: parameters, links and FLOPs of all modules of one kind, such as the query layers of all blocks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from topolearn.counting.forward import cells_of
from topolearn.counting.stretches import Stretch
from topolearn.sparse import is_dense_linear

FLOPS = 2  # a multiplication and an addition
PASSES = 3  # one forward, and two backward: the gradients of the inputs and of the weights


@dataclass(frozen=True)
class KindCount:
    """The totals of all modules whose names differ only in the number of their block.

    Attributes
    ----------
    kind : str
        Their name, with ``*`` for the number of the block.
    shape : tuple of int
        Shape of the weight matrix of each module, or of its largest parameter.
    n_modules : int
    cells : int
        Elements of the matrices that the method makes sparse; 0 for other kinds.
    links, last_links : int
        How many of these cells are links at the start and at the end.
    parameters, sparse_parameters, last_parameters : int
        Parameters of the dense network, and of the sparse one at the start and at the end; each link counts as one.
    dense_flops, flops : int
        FLOPs of the whole training, for the dense network and for the sparse one.
    """

    kind: str
    shape: tuple[int, ...]
    n_modules: int
    cells: int
    links: int
    last_links: int
    parameters: int
    sparse_parameters: int
    last_parameters: int
    dense_flops: int
    flops: int

    def __add__(self, other: KindCount) -> KindCount:
        numbers = [getattr(self, name) + getattr(other, name) for name in NUMBERS]
        return KindCount(self.kind, self.shape, *numbers)


NUMBERS = [name for name in KindCount.__annotations__ if name not in ("kind", "shape")]


def kinds_of(
    model: nn.Module,
    positions: Mapping[str, int],
    schedule: Sequence[Stretch],
    n_forwards: int,
    unused: Collection[int] = (),
) -> Iterator[KindCount]:
    """Yield one row per kind of module that has its own parameters, in module order.

    A parameter that several modules share counts at the first of them.

    Parameters
    ----------
    model : torch.nn.Module
        The dense model.
    positions : Mapping of str to int
        How many input vectors each linear layer takes in one forward pass.
    schedule : sequence of Stretch
        Empty if no layer is sparse.
    n_forwards : int
        Forward passes of the whole training, the same number in every step.
    unused : collection of int
        Identities of parameters that do not count, as no forward pass uses them.
    """
    n_steps = sum(each.n_steps for each in schedule)
    rows: dict[tuple[str, tuple[int, ...]], KindCount] = {}
    counted = set(unused)
    for name, module in model.named_modules():
        own = [each for each in module.parameters(recurse=False) if id(each) not in counted]
        counted |= {id(each) for each in own}
        is_linear = is_dense_linear(module)
        if not own and not is_linear:
            continue
        cells = cells_of(module) if is_linear else 0
        n_parameters = sum(each.numel() for each in own)
        vectors = positions.get(name, 0) * n_forwards
        dense = flops = FLOPS * PASSES * vectors * cells
        first = last = 0
        is_sparse = bool(schedule) and name in schedule[0].links
        if is_sparse:
            first, last = schedule[0].links[name], schedule[-1].links[name]
            # Gradients of the inputs go through the links; gradients of the weights cover all trained cells.
            work = sum(each.n_steps * (2 * each.links[name] + each.trained[name]) for each in schedule)
            flops = FLOPS * vectors * work // n_steps
        others = n_parameters - cells if is_sparse else n_parameters
        row = KindCount(
            pattern(name), _shape(own or [module.get_parameter("weight")]), 1, cells if is_sparse else 0, first, last,
            n_parameters, others + first, others + last, dense, flops,
        )  # fmt: skip
        key = row.kind, row.shape
        rows[key] = rows[key] + row if key in rows else row
    yield from rows.values()


def pattern(name: str) -> str:
    """Return the name of a module with ``*`` for the number of each block that contains it.

    Examples
    --------
    >>> pattern("layers.3.mlp.up"), pattern("blocks.0.2"), pattern("")
    ('layers.*.mlp.up', 'blocks.*.2', 'the model itself')
    """
    return re.sub(r"(?<=\.)\d+(?=\.)|^\d+(?=\.)", "*", name) or "the model itself"


def _shape(parameters: Sequence[Tensor]) -> tuple[int, ...]:
    return tuple(max(parameters, key=Tensor.numel).shape)
