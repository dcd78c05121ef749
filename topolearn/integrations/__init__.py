"""Other people's trainers: topology in the loops of Hugging Face, Lightning and accelerate, and sharded checkpoints.

Each file can be imported without its package; the error, with the extra to install, comes at use.
"""

from topolearn.integrations import accelerate, distributed_checkpoint, huggingface, lightning

__all__ = ["accelerate", "distributed_checkpoint", "huggingface", "lightning"]
