"""How the neurons of a model's layers meet: read from the modules themselves, or declared by hand."""

from topolearn.sparse.architectures.find import ARCHITECTURES, neuron_groups, without_groups
from topolearn.sparse.architectures.outputs import output_layers

__all__ = ["ARCHITECTURES", "neuron_groups", "output_layers", "without_groups"]
