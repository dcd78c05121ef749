"""Train as one of several processes, one of which is killed; torchrun passes the point and the rank."""

import os
import signal
import sys

import safetensors.torch

from topolearn.cli import main
from topolearn.evolution.per_link.model_links import ModelLinks
from topolearn.training.trainer import Trainer

POINTS = {
    "training": (Trainer, "_set_learning_rate", 70),
    "update": (ModelLinks, "set", 3),
    "saving": (safetensors.torch, "save_file", 3),
    "nowhere": (Trainer, "run", 99),
}


def kill_at(point):
    """Kill this process right after a given call of a function."""
    owner, name, call = POINTS[point]
    function, calls = getattr(owner, name), [0]

    def killed(*args, **words):
        calls[0] += 1
        if calls[0] == call:
            if point == "saving":
                args[1].write_bytes(b"half a file")
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **words)

    setattr(owner, name, killed)


if __name__ == "__main__":
    where, rank = sys.argv[1:3]
    if os.environ["RANK"] == rank:
        kill_at(where)
    sys.exit(main(sys.argv[3:]))
