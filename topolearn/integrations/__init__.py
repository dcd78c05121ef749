"""Other people's trainers: topology in the loops of Lightning and accelerate, imported without their packages."""

from topolearn.integrations import accelerate, lightning

__all__ = ["accelerate", "lightning"]
