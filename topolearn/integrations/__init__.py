"""Other people's trainers: topology in the loops of Hugging Face, Lightning and accelerate.

Each file can be imported without its package; the error, with the extra to install, comes at use.
"""

from topolearn.integrations import accelerate, huggingface, lightning

__all__ = ["accelerate", "huggingface", "lightning"]
