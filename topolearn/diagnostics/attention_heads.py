"""Attention heads: how many links each of them has left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from topolearn.diagnostics.reading import read_network
from topolearn.graph import LayeredNetwork, NeuronGroup, active_neurons

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("writers", "readers", "head", "links_in", "links_out", "active_neurons", "alive")


def attention_heads(network: LayeredNetwork) -> pd.DataFrame:
    """Return a row for each head of each population with heads: query-key products, and mixed values.

    A query-key head without an active neuron attends to all positions equally; a value head without one passes on
    only biases. If heads share keys or values, those links count for each head that they serve.

    Parameters
    ----------
    network : LayeredNetwork
        Its groups define the heads; `topolearn.topology_of` reads them from a model.

    Returns
    -------
    pandas.DataFrame
        Columns ``writers`` and ``readers`` (names of layers, joined by commas), ``head`` (0, 1, ...), ``links_in``
        (links from the writers to neurons of the head), ``links_out`` (links from these to the readers),
        ``active_neurons`` (their share of the head), and ``alive`` (whether any neuron is active). The table is empty
        if the network has no heads.

    Raises
    ------
    InvalidTypeError
        When `network` is not a network.

    Examples
    --------
    The second head has a query but no key to multiply it with:

    >>> import numpy as np, topolearn as tl
    >>> queries, keys = np.ones((4, 3)), np.repeat([[1], [1], [0], [0]], 3, axis=1)
    >>> graphs = {"q": tl.BipartiteGraph(queries), "k": tl.BipartiteGraph(keys)}
    >>> network = tl.LayeredNetwork(graphs, [tl.NeuronGroup(("q", "k"), (), "all", heads=2)])
    >>> attention_heads(network)[["head", "links_in", "active_neurons", "alive"]]
       head  links_in  active_neurons  alive
    0     0        12             1.0   True
    1     1         6             0.0  False
    """
    import pandas as pd

    network = read_network(network, "attention_heads")
    shapes = network.shapes
    fan_in = {name: graph.fan_in for name, graph in network.graphs.items()}
    fan_out = {name: graph.fan_out for name, graph in network.graphs.items()}
    rows = []
    for group in network.groups:
        if group.heads == 1:
            continue
        size = group.n_neurons(shapes)
        active = active_neurons(group, shapes, _tensors(fan_in), _tensors(fan_out)).numpy().reshape(group.heads, -1)
        links_in = _of_heads(group, size, group.writers, fan_in)
        links_out = _of_heads(group, size, group.readers, fan_out)
        for head in range(group.heads):
            rows.append(
                (", ".join(group.writers), ", ".join(group.readers), head, links_in[head], links_out[head],
                 float(active[head].mean()), bool(active[head].any()))
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _tensors(fans: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(fan) for name, fan in fans.items()}


def _of_heads(group: NeuronGroup, size: int, layers: Sequence[str], fans: Mapping[str, np.ndarray]) -> list[int]:
    """Return the number of links that layers have at the neurons of each head."""
    total = np.zeros(size, np.int64)
    for name in layers:
        total += fans[name][group.own_neuron(np.arange(size), fans[name].size, size)]
    return [int(n) for n in total.reshape(group.heads, -1).sum(axis=1)]
