"""Other people's trainers: topology in the loops of Hugging Face, imported without their packages."""

from topolearn.integrations import huggingface

__all__ = ["huggingface"]
