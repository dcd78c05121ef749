"""DeepR: links with a fixed sign, moved by Langevin dynamics at every step and removed when they cross zero."""

from topolearn.evolution.deepr.signed import Signed
from topolearn.evolution.deepr.signs import link_signs

__all__ = ["Signed", "link_signs"]
