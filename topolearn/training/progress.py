"""What a person sees of a running training: a bar on a terminal or in a notebook, a line an epoch elsewhere."""

import math
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

from topolearn.terminal import progress_bar, say, shows_bars, visible


class Progress:
    """Shows steps, loss, accuracy, density, overlap and the time left.

    Parameters
    ----------
    label : str
        What is trained.
    total, done : int
        Optimizer steps in all, and those that a resumed run has behind it.
    stream : file, optional
        Where to write; default standard error. On a terminal, and in a notebook, a bar is drawn, elsewhere a line is
        written an epoch.
    quiet : bool
        Show nothing.
    """

    def __init__(
        self, label: str, total: int, *, done: int = 0, stream: TextIO | None = None, quiet: bool = False
    ) -> None:
        self._label = label = visible(label)
        self._stream = stream or sys.stderr
        self._lines = not quiet and not shows_bars(self._stream)
        self._bar = progress_bar(
            total=total,
            initial=done,
            desc=label,
            unit="step",
            file=self._stream,
            disable=quiet or self._lines,
            mininterval=0.2,
            dynamic_ncols=True,
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def advance(self, n_steps: int = 1) -> None:
        """Count steps."""
        self._bar.update(n_steps)

    def epoch(self, row: dict[str, Any], n_epochs: int) -> None:
        """Show the end of an epoch."""
        shown = {
            "loss": f"{row['train_loss']:.4f}",
            "accuracy": f"{row['test_accuracy']:.2%}",
            "density": f"{row['density']:.2%}",
            "overlap": "-" if math.isnan(row["overlap"]) else f"{row['overlap']:.2f}",
        }
        left = (n_epochs - row["epoch"]) * row["seconds"]
        self.note(f"epoch {row['epoch']}/{n_epochs}", shown, seconds=row["seconds"], left=left)

    def note(self, place: str, shown: Mapping[str, str], *, seconds: float, left: float) -> None:
        """Show numbers: beside the bar, or as a line with the time that they took, and that is left.

        Parameters
        ----------
        place : str
            Where the training stands, such as "epoch 3/20".
        shown : Mapping of str to str
        seconds, left : float
            Since the last note, and until the end.
        """
        self._bar.set_postfix(dict(shown), refresh=False)
        if self._lines:
            words = "  ".join(f"{name} {value}" for name, value in shown.items())
            line = f"{self._label}  {place}  {words}  {seconds:.1f} s, {left:.0f} s left"
            say(line, stream=self._stream)
