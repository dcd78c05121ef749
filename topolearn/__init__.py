"""topolearn: grow, watch and train sparse neural networks as graphs.

Three verbs: *generate* a topology, *evolve* it while a network trains, *analyse* the result.

The public names are listed in ``__init__.pyi``. Each is imported on first use, and torch with it, so that commands
that need neither start instantly.
"""

import lazy_loader

import topolearn.ends as _ends  # noqa: F401  # first, so that Ctrl-C during the import of torch prints one line

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
