"""topolearn: grow, watch and train sparse neural networks as graphs.

Three verbs: *generate* a topology, *evolve* it while a network trains, *analyse* what it became.

What it has is listed in ``__init__.pyi``; each name is imported when it is first used, and torch with it, so that a
command which needs neither answers at once.
"""

import lazy_loader

import topolearn.ends as _ends  # noqa: F401  # first: a command that is interrupted as torch is loaded ends in one line

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
