"""Topologies: the graph of one layer, the network of all layers, and conversions to other formats."""

from topolearn.graph.bipartite.graph import BipartiteGraph
from topolearn.graph.cells import are_among, edges_of, remaining, union, within, without
from topolearn.graph.door import AnyGraph, as_graph
from topolearn.graph.groups import NeuronGroup, validated_groups
from topolearn.graph.network import LayeredNetwork
from topolearn.graph.one_mode.graph import Graph, one_mode
from topolearn.graph.overlap import overlap
from topolearn.graph.percolation.activity import UNITS, active_neurons, check_unit
from topolearn.graph.percolation.percolate import percolate, percolate_cells
from topolearn.graph.reading import Source, read_graph

__all__ = [
    "AnyGraph",
    "UNITS",
    "BipartiteGraph",
    "LayeredNetwork",
    "NeuronGroup",
    "Graph",
    "Source",
    "active_neurons",
    "are_among",
    "as_graph",
    "check_unit",
    "validated_groups",
    "edges_of",
    "remaining",
    "union",
    "one_mode",
    "overlap",
    "percolate",
    "percolate_cells",
    "read_graph",
    "within",
    "without",
]
