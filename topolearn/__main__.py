"""``python -m topolearn``, and so ``torchrun -m topolearn``."""

import sys

from topolearn.cli import main

sys.exit(main())
