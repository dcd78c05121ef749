"""The models that the training tasks build."""

from topolearn.training.models.llama import Llama, LlamaLayer
from topolearn.training.models.mlp import mlp

__all__ = ["Llama", "LlamaLayer", "mlp"]
