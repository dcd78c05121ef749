"""topolearn: grow, watch and train sparse neural networks as graphs.

Three verbs: *generate* a topology, *evolve* it while a network trains, *analyse* what it became.
"""

import importlib
from typing import TYPE_CHECKING, Any

import topolearn.ends as _ends  # noqa: F401  # first: a command that is interrupted as torch is loaded ends in one line
from topolearn import (
    counting,
    diagnostics,
    distributed,
    errors,
    evolution,
    generators,
    graph,
    linkpred,
    recording,
    sampling,
    sparse,
    training,
)
from topolearn.evolution import Method, TopologyScheduler, TopologyUpdate, attach, method, methods, sparsify
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork, NeuronGroup, percolate, read_graph
from topolearn.recording import Recorder, Run, record, resume, train
from topolearn.sparse import (
    Attention,
    AveragedModel,
    SparseLinear,
    densify,
    export_dense,
    parameter_groups,
    topology_of,
    unpack_attention,
)
from topolearn.training import Dataset, TrainConfig

if TYPE_CHECKING:
    from topolearn import plotting, studies
    from topolearn.integrations.checkpoint_graphs import from_checkpoint

__version__ = "0.1.0"

__all__ = [
    "Attention",
    "AveragedModel",
    "BipartiteGraph",
    "Dataset",
    "Graph",
    "LayeredNetwork",
    "Method",
    "NeuronGroup",
    "Recorder",
    "Run",
    "SparseLinear",
    "TopologyScheduler",
    "TopologyUpdate",
    "TrainConfig",
    "attach",
    "counting",
    "densify",
    "export_dense",
    "from_checkpoint",
    "diagnostics",
    "distributed",
    "errors",
    "evolution",
    "generators",
    "graph",
    "linkpred",
    "method",
    "methods",
    "parameter_groups",
    "percolate",
    "plotting",
    "read_graph",
    "record",
    "recording",
    "resume",
    "sampling",
    "sparse",
    "sparsify",
    "studies",
    "topology_of",
    "train",
    "training",
    "unpack_attention",
]


def __getattr__(name: str) -> Any:
    # What pictures and studies need, matplotlib and joblib among it, is loaded by the first of them.
    if name in ("plotting", "studies"):
        return importlib.import_module(f"topolearn.{name}")
    if name == "from_checkpoint":  # which the trainers of others come with
        return importlib.import_module("topolearn.integrations.checkpoint_graphs").from_checkpoint
    raise AttributeError(f"module 'topolearn' has no attribute {name!r}")
