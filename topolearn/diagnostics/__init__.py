"""What a topology looks like: measures that return plain numbers."""

from topolearn.diagnostics.active_neurons import active_neuron_rate
from topolearn.diagnostics.closure import closure
from topolearn.diagnostics.dynamics import itop_rate, overlap

__all__ = ["active_neuron_rate", "closure", "itop_rate", "overlap"]
