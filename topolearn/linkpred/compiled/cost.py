"""Choose the cheapest form, with a model of the seconds that each takes, from counts that are cheap to compute.

Its constants are nanoseconds on one thread of a 3 GHz core with 256-bit vectors. Other machines are faster or slower,
but the order of the forms rarely changes; if it does, pass the form explicitly (``form="stream"``).
"""

from dataclasses import dataclass

import numpy as np

from topolearn.errors import InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.graph.two_way_csr import TwoWayCsr
from topolearn.linkpred.compiled.few_inputs import has_few_inputs
from topolearn.linkpred.compiled.pair_weights import fills_rows
from topolearn.linkpred.compiled.products import nanoseconds_of_weights
from topolearn.linkpred.dense.node_based import LEAST, SIDE_BLOCKS
from topolearn.linkpred.form_names import AUTO, COMMUNITY, COMPILED, DENSE, SPARSE
from topolearn.linkpred.predictor import LinkPredictor

SMALL = 2**12  # cells of a layer up to which compiled forms are not even loaded
MAX_DEGREE = 2**15 - 1  # shared neighbours that the tables of the community form can count
TABLE_BYTES = 2**30  # limit for a table of n_in x n_in weights

STREAM_PATH, STREAM_NEURON, KEPT_NEURON = 4.5, 3.4, 2.0  # a walk of length three; the last one with stored weights
SCORED, FILLED = 16.0, 3.2  # a scored cell in a stream, listed and reset; any cell of rows that fill
ADDED, COUNTED = 0.3, 3.0  # adding a weight to a sum in float64; counting a walk of length two, and resetting it
SUM_PATH, SUM_NEURON = 0.9, 1.6  # adding a row of 32 elements
CACHE, SLOWER = 2**18, 0.6  # bytes of a table; slowdown of row sums in larger ones
REACH = 3.5  # listing a community member that an output neuron reaches
SCATTER = 1.6  # adding one sum to the score of a member
GATHER = 1.5  # copying one weight into the table of a community
CELL_PATH, CELL_NEURON = 9.0, 2.0  # looking up a weight, and writing a score
DENSE_PATH, DENSE_NEURON = 0.03, 0.025  # a multiplication and an addition in a matrix product
DENSE_BATCH = 1e5  # calling the products of all communities of the same size
DENSE_GATHER = 4.0  # collecting the rows of a community, and adding to them
CALL = 3e5  # fixed cost of a compiled form
PRODUCT_CELL = 3.0  # writing the adjacency, and clearing the scores of links
DENSE_PAIR = 4.0  # the weight of a neuron for a seed of its side
DENSE_CELL = 10.0  # all other work of a dense form per cell


@dataclass(frozen=True)
class Costs:
    """Estimated seconds of each form on one thread; infinite if a form cannot be used."""

    stream: float
    community: float
    dense: float


def costs(links: TwoWayCsr, predictor: LinkPredictor, itemsize: int) -> Costs:
    """Estimate the time to score all non-links.

    Parameters
    ----------
    links : TwoWayCsr
    predictor : LinkPredictor
    itemsize : int
        Bytes of a score.

    Examples
    --------
    >>> from topolearn.generators import erdos_renyi
    >>> from topolearn.linkpred import PREDICTORS
    >>> thin, thick = (TwoWayCsr.of(erdos_renyi(500, 500, p, seed=0)) for p in (0.004, 0.2))
    >>> [costs(links, PREDICTORS["ch3_l3p"], 4).stream < costs(links, PREDICTORS["ch3_l3p"], 4).community
    ...  for links in (thin, thick)]
    [True, False]
    """
    n_out, n_in, n_links = links.n_out, links.n_in, links.ends.size
    n_cells = float(n_out) * n_in
    fan_in, fan_out = links.fan_in.astype(float), links.fan_out.astype(float)
    walks = float(fan_out @ links.transposed.walks_of_two())  # the sum of links.walks_of_three()
    wide = itemsize / 4
    kept = fills_rows(links)
    stream = CALL + (FILLED * n_cells if kept else SCORED * n_cells * -np.expm1(-walks / n_cells))
    table_bytes = 0
    if predictor.per_path:
        table_bytes = n_in**2 * itemsize
        stream += STREAM_PATH * walks
        community = (
            CALL + CELL_PATH * n_cells + _paths(links, fan_in, walks, wide) + _neurons(n_in, n_links, n_in, wide) / 2
        )
        dense = _dense_paths(links, fan_in, fan_out)
    else:
        if has_few_inputs(links, predictor):
            stream = CALL + FILLED * n_cells + _by_inputs(links, fan_in)
        else:
            stream += (KEPT_NEURON if kept else STREAM_NEURON) * walks
        community = CALL + min(_communities(links, wide), _products(links, itemsize))
        dense = sum(_dense_neurons(*shape) for shape in ((n_out, n_in), (n_in, n_out)))
    largest = max(fan_in.max(), fan_out.max())
    if largest > MAX_DEGREE or table_bytes > TABLE_BYTES:
        community = np.inf
    return Costs(*(float(nanoseconds) * 1e-9 for nanoseconds in (stream, community, CALL + dense * wide)))


def multiplies(links: TwoWayCsr, predictor: LinkPredictor, itemsize: int) -> bool:
    """Return whether the community form of a node-based predictor uses matrix products instead of narrow tables."""
    return not predictor.per_path and _products(links, itemsize) < _communities(links, itemsize / 4)


def prepare(graph: BipartiteGraph, predictor: LinkPredictor, itemsize: int, form: str) -> tuple[str, TwoWayCsr | None]:
    """Return the form to use for a graph, and its links for the compiled forms, None for the dense form."""
    if form == AUTO and graph.n_out * graph.n_in <= SMALL:
        return DENSE, None
    links = TwoWayCsr.of(graph)
    chosen = best_form(links, predictor, itemsize, form)
    return chosen, None if chosen == DENSE else links


def best_form(links: TwoWayCsr, predictor: LinkPredictor, itemsize: int, form: str) -> str:
    """Return the form to use for "auto" or "sparse"; any other form is returned unchanged.

    Raises
    ------
    InvalidValueError
        When the community form is requested, but a neuron has more links than it can count.
    """
    if form in (AUTO, SPARSE):
        estimate = costs(links, predictor, itemsize)
        candidates = COMPILED if form == SPARSE else (*COMPILED, DENSE)
        return min(candidates, key=lambda name: getattr(estimate, name))
    largest = int(max(links.fan_in.max(), links.fan_out.max()))
    if form == COMMUNITY and largest > MAX_DEGREE:
        raise InvalidValueError(
            f"form='community': a neuron has {largest} links, but this form counts only to {MAX_DEGREE}: use 'stream'"
        )
    return form


def _by_inputs(links: TwoWayCsr, fan_in: np.ndarray) -> float:
    """Return the nanoseconds of node-based sums over weights between input neurons, and of their corrections."""
    walks = links.walks_of_two().astype(float)
    each = walks / links.n_out  # shared neighbours of an output neuron, as if they were Poisson distributed
    several = links.n_out * (1 - np.exp(-each) * (1 + each)).sum()
    return ADDED * links.ends.size * links.n_in + COUNTED * walks.sum() + KEPT_NEURON * fan_in.mean() * several


def _dense_paths(links: TwoWayCsr, fan_in: np.ndarray, fan_out: np.ndarray) -> float:
    """Return the nanoseconds of all paths with products of local communities."""
    n_out, n_in = links.n_out, links.n_in
    products = min(n_out * (fan_in**2).sum(), n_in * (fan_out**2).sum())
    gather = DENSE_GATHER * links.ends.size * max(n_out, n_in)
    return DENSE_BATCH * np.unique(fan_in).size + DENSE_PATH * products + gather + DENSE_CELL * n_out * n_in


def _dense_neurons(n_rows: int, n_columns: int) -> float:
    """Return the nanoseconds of the neurons of one side with matrix products.

    These are the sum over the members, and the shared neighbours of each pair, counted once except within a block.
    """
    counted = 0.5 + 0.5 / min(max(n_rows / LEAST, 1), SIDE_BLOCKS)
    return DENSE_NEURON * (1 + counted) * n_rows**2 * n_columns + DENSE_PAIR * n_rows**2 + n_rows * n_columns


def _communities(links: TwoWayCsr, wide: float) -> float:
    """Return the nanoseconds of the neurons of all local communities with narrow tables."""
    n_out, n_in, n_links = links.n_out, links.n_in, links.ends.size
    return sum(_neurons(n, n_links, n_in + n_out, wide) for n in (n_out, n_in))


def _products(links: TwoWayCsr, itemsize: int) -> float:
    """Return the nanoseconds of the same with matrix products; infinite if their factors would be too large."""
    n_out, n_in = links.n_out, links.n_in
    if n_in * (n_in + n_out) * itemsize > TABLE_BYTES:
        return np.inf
    products = DENSE_NEURON * n_out * n_in * (n_out + n_in)
    return CALL + products * itemsize / 4 + nanoseconds_of_weights(links) + PRODUCT_CELL * n_out * n_in


def _paths(links: TwoWayCsr, fan_in: np.ndarray, walks: float, wide: float) -> float:
    """Return the nanoseconds of all paths, without the table of weights."""
    reached = links.walks_of_two()
    sums = SUM_PATH * wide * (walks / 32 + reached.sum())
    scatter = SCATTER * (fan_in * np.minimum(reached, links.n_out)).sum()
    gather = GATHER * (fan_in**2).sum() * max(links.n_out / 256, 1)
    return sums + REACH * reached.sum() + scatter + gather


def _neurons(n_seeds: int, n_links: float, n_neurons: int, wide: float) -> float:
    """Return the nanoseconds of the sums over the neurons of one side."""
    beyond = min(n_seeds * 128 * wide / CACHE, 1) ** 2  # to what extent a table and its sums outgrow the cache
    return n_seeds * (n_links * SUM_NEURON * (0.5 + wide) / 32 * (1 + SLOWER * beyond) + n_neurons * CELL_NEURON)
