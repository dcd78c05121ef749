"""A recorded loop as a program that tests kill and restart; it continues from its last checkpoint."""

import os
import sys
import time
from pathlib import Path

import torch

import topolearn as tl
from tests.recording.any_loop import STEPS, Loop

OPTIONS = {"measures": ("closure",), "every": 2, "config": {"lr": 0.01}}


def main(folder, seconds):
    """Take all remaining steps, with a checkpoint every fifth step."""
    torch.set_num_threads(1)
    folder, loop = Path(folder), Loop()
    checkpoint, aside = folder / "checkpoint.pt", folder / "aside.pt"
    if checkpoint.is_file():
        loop.load(torch.load(checkpoint))
    with tl.record(folder / "run", loop.topology, resume=True, **OPTIONS) as recorder:
        (folder / "begun").touch()
        for step in range(loop.topology.n_steps + 1, STEPS + 1):
            recorder.log(loss=loop.step())
            print(step, flush=True)  # what was logged by now must be there
            time.sleep(seconds)
            if step % 5 == 0:
                torch.save(loop.state(), aside)
                os.replace(aside, checkpoint)  # noqa: PTH105  # as a user would write it


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
