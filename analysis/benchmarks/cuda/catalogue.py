"""The stages, the most important first, and the estimate of their duration."""

import subprocess
from pathlib import Path

import torch

from analysis.benchmarks.cuda.backends import BACKENDS
from analysis.benchmarks.cuda.command_line import COMMAND_LINE
from analysis.benchmarks.cuda.link_prediction import LINK_PREDICTION
from analysis.benchmarks.cuda.placement import PLACEMENT
from analysis.benchmarks.cuda.sizes import Sizes
from analysis.benchmarks.cuda.stage import Stage
from analysis.benchmarks.cuda.steps import STEPS
from analysis.benchmarks.cuda.tokens import TOKENS
from analysis.benchmarks.cuda.updates import UPDATES

STAGES: dict[str, Stage] = {
    stage.name: stage for stage in (PLACEMENT, STEPS, UPDATES, TOKENS, COMMAND_LINE, LINK_PREDICTION, BACKENDS)
}
START = 8.0  # seconds for a process to import torch and find the device
GRACE = 10.0  # seconds beyond its limit, including its start, after which the process of a stage is killed
MOST_SECONDS = 480
MOST_MIB = 40


def estimate(sizes: Sizes, device: torch.device) -> str:
    """Return the estimated seconds of each stage on one H200, and their limits, as a Markdown table."""
    rows = [("stage", "cases", "estimated seconds", "limit"), ("---", "---:", "---:", "---:")]
    totals = [0.0, 0.0]
    for stage in STAGES.values():
        cases = stage.cases(sizes, device)
        seconds = START + sum(stage.seconds(case, sizes) for case in cases)
        rows.append((stage.name, str(len(cases)), f"{seconds:.0f}", f"{stage.limit + GRACE:.0f}"))
        totals = [totals[0] + min(seconds, stage.limit + GRACE), totals[1] + stage.limit + GRACE]
    rows.append(("all", "", f"{totals[0]:.0f}", f"{totals[1]:.0f}"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def carried_mib(root: Path) -> float:
    """Return the MiB of the files of a checkout that git does not ignore, which are copied to the machine.

    Raises
    ------
    subprocess.CalledProcessError
        When `root` is not a checkout.
    """
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    files = [root / name for name in names if name]
    return sum(file.lstat().st_size for file in files if file.is_file() or file.is_symlink()) / 2**20
