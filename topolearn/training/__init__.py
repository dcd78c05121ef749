"""The task of classification by MLPs: configuration, data, models, the loop, and its checkpoints.

What it has is listed in ``__init__.pyi``, and imported when it is first used, as help needs its options alone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
