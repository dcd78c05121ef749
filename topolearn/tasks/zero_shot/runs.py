"""`evaluate_runs`: evaluate the language models of runs on zero-shot tasks, trained and untrained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from topolearn.devices import settled_device
from topolearn.errors import InvalidValueError
from topolearn.recording import Run
from topolearn.recording.run import BEST
from topolearn.tasks.checkpoints import checkpoint_of, run_of
from topolearn.tasks.language.checkpoints import TOKENIZER
from topolearn.tasks.language.config import LanguageConfig
from topolearn.tasks.language.model import build_model
from topolearn.tasks.language.tokenizer import Tokenizer
from topolearn.tasks.zero_shot.evaluation import BATCH_SIZE, UNTRAINED, Candidate, chosen_tasks, evaluate_all
from topolearn.tasks.zero_shot.tasks import LOCAL

if TYPE_CHECKING:
    import pandas as pd


def evaluate_runs(
    runs: Sequence[str | Path],
    tasks: Sequence[str] = LOCAL,
    *,
    which: str = BEST,
    untrained: Literal["first", "each", "none"] = "first",
    data_dir: str | Path | None = None,
    limit: int | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    quiet: bool = False,
) -> pd.DataFrame:
    """Evaluate the language models of runs on zero-shot tasks.

    Parameters
    ----------
    runs : sequence of path
        Run directories.
    tasks, data_dir, limit, batch_size, quiet
        As for `evaluate`.
    which : {"best", "last"}
        The checkpoint with the best validation perplexity, or the last one.
    untrained : {"first", "each", "none"}
        Whether to also evaluate the network at the start of training, with its first links and weights: that of the
        first run (as "untrained network"), of each run, or of none.
    device : str
        Device to compute on; default CUDA if available, else the CPU.

    Returns
    -------
    DataFrame
        As for `evaluate`; models are named after their directories.

    Raises
    ------
    TopolearnError
        As for `evaluate`, and if there is no such run, or no such checkpoint yet.
    """
    if untrained not in ("first", "each", "none"):
        raise InvalidValueError(f"untrained={untrained!r} must be 'first', 'each' or 'none'")
    if not runs:
        raise InvalidValueError("there is no run to evaluate: name one or more run directories")
    chosen_tasks(tasks)  # raises before any run is read
    place = settled_device("device", device)
    opened = {name: run_of(path, LanguageConfig, "language model") for name, path in _named(runs).items()}
    for run in opened.values():
        checkpoint_of(run.path, which)  # raises before the first model is evaluated
    candidates = [trained(name, run, which, place) for name, run in opened.items()]
    for name, run in list(opened.items()) if untrained != "none" else []:
        if untrained == "each" or name == candidates[0].name:
            candidates.append(as_it_began(f"{name}, untrained" if untrained == "each" else UNTRAINED, run, place))
    return evaluate_all(candidates, tasks, data_dir=data_dir, limit=limit, batch_size=batch_size, quiet=quiet)


def trained(name: str, run: Run, which: str = BEST, device: str = "cpu") -> Candidate:
    """Return the model of a run's checkpoint as a candidate."""
    return Candidate(name, lambda: (run.load_model(which).to(device), Tokenizer.load(run.path / TOKENIZER)))


def as_it_began(name: str, run: Run, device: str = "cpu") -> Candidate:
    """Return the network of a run before training, with its first links and weights, as a candidate."""

    def load() -> tuple[Any, Tokenizer]:
        tokenizer = Tokenizer.load(run.path / TOKENIZER)
        return build_model(run.config, tokenizer).to(device), tokenizer

    return Candidate(name, load)


def _named(runs: Sequence[str | Path]) -> dict[str, Path]:
    """Return runs by directory name, or by whole path where several share a name."""
    paths = [Path(run) for run in runs]
    shared = Counter(path.name for path in paths)
    return {str(path) if shared[path.name] > 1 else path.name: path for path in paths}
