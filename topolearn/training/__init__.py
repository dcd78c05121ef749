"""The classification task with MLPs: configuration, data, models, training loop, and checkpoints.

Its names are listed in ``__init__.pyi`` and imported on first use, so that ``--help`` only loads the options.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
