"""The fixed fan-in model: every output neuron reads from the same number of inputs, drawn uniformly."""

import numpy as np

from topolearn.checks import random_generator
from topolearn.generators.link_count import link_count
from topolearn.graph import BipartiteGraph

_BLOCK = 2**22  # random numbers in memory at once for dense layers: 32 MiB
_DENSE = 0.1  # density above which too many draws would be repeated


def fixed_fan_in(
    n_in: int, n_out: int, density: float, *, seed: int | np.random.Generator | None = None
) -> BipartiteGraph:
    """Generate a graph in which the fan-ins of all output neurons differ by at most one.

    Each output neuron has ``n_links // n_out`` inputs, where ``n_links = round(density * n_in * n_out)``; each
    remaining link goes to another output neuron, drawn at random. The inputs of a neuron are drawn uniformly without
    replacement, independently of the other neurons. The model exists for every density in (0, 1].

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].
    seed : int, numpy.random.Generator or None
        The same seed gives the same graph; None gives a new one on every call.

    Returns
    -------
    BipartiteGraph

    Raises
    ------
    InvalidValueError
        For invalid sizes, or a density that is outside (0, 1] or leaves no link.

    References
    ----------
    Lasby et al. (2024), "Dynamic sparse training with structured sparsity", ICLR, for its use as a layer.

    Examples
    --------
    >>> fixed_fan_in(784, 1568, 0.01, seed=0)
    BipartiteGraph(784 inputs x 1568 outputs, 12293 links, density 1.00%, fan-in 7-8, fan-out 5-31)
    """
    n_links = link_count(n_in, n_out, density)
    n_in, n_out = int(n_in), int(n_out)  # the product of small numpy integers could overflow
    rng = random_generator(seed)
    fan_in = np.full(n_out, n_links // n_out)
    fan_in[rng.permutation(n_out)[: n_links % n_out]] += 1
    draw = _draw_dense if n_links > _DENSE * n_in * n_out else _draw_sparse
    return BipartiteGraph.from_cells(draw(fan_in, n_in, rng), n_in, n_out)


def _draw_sparse(fan_in: np.ndarray, n_in: int, rng: np.random.Generator) -> np.ndarray:
    """Return the cells of a uniform set of inputs for each output: draw all of them, then redraw repeated ones."""
    cells = np.empty(0, dtype=np.int64)
    missing = fan_in
    while missing.any():
        drawn = np.repeat(np.arange(fan_in.size) * n_in, missing)
        drawn += rng.integers(n_in, size=drawn.size)
        cells = np.concatenate((cells, drawn))
        cells.sort()
        cells = cells[np.diff(cells, prepend=-1) > 0]
        missing = fan_in - np.bincount(cells // n_in, minlength=fan_in.size)
    return cells


def _draw_dense(fan_in: np.ndarray, n_in: int, rng: np.random.Generator) -> np.ndarray:
    """Return the cells of a uniform set of inputs for each output: those with the smallest of n_in random numbers."""
    drawn = []
    least = int(fan_in.min())
    columns = min(least + 1, n_in)
    step = max(1, _BLOCK // n_in)
    for start in range(0, fan_in.size, step):
        wanted = fan_in[start : start + step]
        inputs = rng.random((wanted.size, n_in)).argpartition(min(least, n_in - 1), axis=1)[:, :columns]
        cells = (start + np.arange(wanted.size))[:, None] * n_in + inputs
        drawn.append(cells[np.arange(columns) < wanted[:, None]])
    return np.concatenate(drawn)
