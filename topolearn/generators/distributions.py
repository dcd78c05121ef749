"""Layer distributions: how many links each layer of a network gets."""

import fnmatch
import math
from collections.abc import Callable, Mapping

import numpy as np

from topolearn.checks import check_share, check_size
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators.link_count import link_count
from topolearn.registry import Registry

Sizes = Mapping[str, tuple[int, ...]]


def uniform(sizes: Sizes, density: float) -> dict[str, int]:
    """Give every layer the same density: ``round(density * n_cells)`` links."""
    checked = _checked(sizes)
    return {name: link_count(shape[0], math.prod(shape[1:]), density) for name, shape in checked.items()}


def erk(sizes: Sizes, density: float) -> dict[str, int]:
    r"""Give layer l the density :math:`\epsilon \, (n_{in} + n_{out}) / (n_{in} n_{out})` (Erdős-Rényi-kernel).

    Small layers become denser than large ones: a layer has about :math:`\epsilon` links for each of its neurons. For a
    convolution, whose shape s has more dimensions, the density is :math:`\epsilon \sum_k s_k / \prod_k s_k`. A layer
    whose density would exceed 1 gets all its links, and :math:`\epsilon` is solved again for the others. The total is
    exactly ``round(density * n_cells)``; links left over by rounding go to the layers with the largest remainders.

    References
    ----------
    Mocanu et al. (2018), for :math:`\epsilon`; Evci et al. (2020), "Rigging the lottery", for ERK.

    Examples
    --------
    >>> erk({"wide": (100, 100), "narrow": (100, 2)}, 0.1)
    {'wide': 820, 'narrow': 200}
    """
    sizes = _checked(sizes)
    total = link_count(sum(math.prod(shape) for shape in sizes.values()), 1, density)
    cells = np.array([math.prod(shape) for shape in sizes.values()])
    neurons = np.array([sum(shape) for shape in sizes.values()])
    full = np.zeros(len(cells), dtype=bool)
    while True:
        epsilon = (total - cells[full].sum()) / max(neurons[~full].sum(), 1)
        links = np.where(full, cells, epsilon * neurons)
        if not (links > cells).any():
            break
        full |= links > cells
    counts = _round_to_total(links, total, cells)
    empty = [name for name, count in zip(sizes, counts, strict=True) if count == 0]
    if empty:
        raise InvalidValueError(f"density={density} leaves layer {empty[0]!r} without links: raise the density")
    return dict(zip(sizes, counts, strict=True))


DISTRIBUTIONS: Registry[Callable[[Sizes, float], dict[str, int]]] = Registry(
    "layer distribution", {"uniform": uniform, "erk": erk}
)


def distribute(sizes: Sizes, density: float, distribution: str | Mapping[str, float] = "uniform") -> dict[str, int]:
    """Return the number of links of each layer.

    Parameters
    ----------
    sizes : Mapping of str to (int, int)
        Numbers of input and output neurons of each layer, by name; for a convolution, also the sizes of its kernel.
    density : float
        Share of all cells that are links, except in layers whose density `distribution` sets.
    distribution : str or Mapping of str to float
        One of `DISTRIBUTIONS`, or densities by patterns of layer names. The first pattern that matches a layer counts;
        layers that match none get ``density``.

    Returns
    -------
    dict of str to int

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        For sizes that are not integers of at least 1, an unknown distribution, a pattern that matches no layer, or
        densities that leave a layer without links.

    Examples
    --------
    >>> distribute({"a": (10, 10), "b": (10, 20)}, 0.1, {"b": 0.5})
    {'a': 10, 'b': 100}
    """
    sizes = _checked(sizes)
    if isinstance(distribution, str):
        return DISTRIBUTIONS[distribution](sizes, density)
    if not isinstance(distribution, Mapping):
        raise InvalidTypeError(f"distribution={distribution!r} must be a name, or a dict of densities by layer name")
    for pattern, share in distribution.items():
        if not isinstance(pattern, str):
            raise InvalidTypeError(
                f"the key {pattern!r} of the distribution must be a pattern of layer names, a string"
            )
        check_share(f"density of {pattern!r}", share)
        if not fnmatch.filter(sizes, pattern):
            raise InvalidValueError(
                f"no layer matches {pattern!r} of the distribution: the layers are {', '.join(sizes)}"
            )
    counts = {}
    for name, shape in sizes.items():
        matching = (share for pattern, share in distribution.items() if fnmatch.fnmatchcase(name, pattern))
        counts[name] = link_count(shape[0], math.prod(shape[1:]), next(matching, density))
    return counts


def _checked(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Return the sizes of layers as plain integers, whose products cannot overflow."""
    if not isinstance(sizes, Mapping):
        raise InvalidTypeError(f"sizes={sizes!r} must be a dict of layer names to (n_in, n_out)")
    checked = {}
    for name, shape in sizes.items():
        if not isinstance(name, str) or not isinstance(shape, tuple | list) or len(shape) < 2:
            raise InvalidTypeError(f"sizes[{name!r}] = {shape!r}: map the name of a layer to (n_in, n_out)")
        checked[name] = tuple(check_size(f"sizes[{name!r}]", size) for size in shape)
    return checked


def _round_to_total(links: np.ndarray, total: int, most: np.ndarray) -> list[int]:
    """Return integers that add up to the total: rounded down, plus one where the remainder is largest."""
    counts = np.floor(links + 1e-9).astype(np.int64)
    order = np.argsort(-(links - counts), kind="stable")
    order = order[counts[order] < most[order]]
    counts[order[: total - int(counts.sum())]] += 1
    return counts.tolist()
