"""The seed of a suite of faults: another one each time, printed, and settable by TOPOLEARN_FAULT_SEED."""

import os
import random
import time


def drawing(name):
    """Return a generator of Python's, whose seed a failing test shows."""
    seed = int(os.environ.get("TOPOLEARN_FAULT_SEED") or time.time_ns() % 2**32)
    print(f"{name}: TOPOLEARN_FAULT_SEED={seed}")
    return random.Random(f"{name} {seed}")
