"""The neuron groups between a model's layers: found in its modules, or declared by hand."""

from topolearn.sparse.architectures.find import ARCHITECTURES, neuron_groups, without_groups
from topolearn.sparse.architectures.outputs import output_layers

__all__ = ["ARCHITECTURES", "neuron_groups", "output_layers", "without_groups"]
