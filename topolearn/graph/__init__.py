"""What a topology is: the graph of one layer, the network of all layers, and what moves them elsewhere."""

from topolearn.graph.bipartite import BipartiteGraph
from topolearn.graph.groups import NeuronGroup
from topolearn.graph.network import LayeredNetwork
from topolearn.graph.one_mode import OneModeGraph, one_mode
from topolearn.graph.percolation import percolate

__all__ = ["BipartiteGraph", "LayeredNetwork", "NeuronGroup", "OneModeGraph", "one_mode", "percolate"]
