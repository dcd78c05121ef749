"""``python -m topolearn.cli``."""

import sys

from topolearn.cli import main

sys.exit(main())
