"""Integrations with Hugging Face trainers, Lightning and accelerate, and sharded checkpoints.

Each module can be imported without its package; using it raises an error that names the extra to install.
"""

from topolearn.integrations import accelerate, distributed_checkpoint, huggingface, lightning

__all__ = ["accelerate", "distributed_checkpoint", "huggingface", "lightning"]
