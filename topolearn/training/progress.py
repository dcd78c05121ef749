"""Progress output of a training: a bar in terminals and notebooks, otherwise one line per epoch."""

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
        Description of the training.
    total, done : int
        Total number of optimizer steps, and the number that a resumed run has already taken.
    stream : file, optional
        Where to write; default standard error. Terminals and notebooks show a bar, other streams get one line per
        epoch.
    quiet : bool
        Print nothing.
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
        """Show the metrics of a finished epoch."""
        shown = {
            "loss": f"{row['train_loss']:.4f}",
            "accuracy": f"{row['test_accuracy']:.2%}",
            "density": f"{row['density']:.2%}",
            "overlap": "-" if math.isnan(row["overlap"]) else f"{row['overlap']:.2f}",
        }
        left = (n_epochs - row["epoch"]) * row["seconds"]
        self.note(f"epoch {row['epoch']}/{n_epochs}", shown, seconds=row["seconds"], left=left)

    def note(self, place: str, shown: Mapping[str, str], *, seconds: float, left: float) -> None:
        """Show numbers next to the bar, or on a line with the elapsed and the remaining time.

        Parameters
        ----------
        place : str
            Position in the training, such as "epoch 3/20".
        shown : Mapping of str to str
            The numbers to show, by name.
        seconds, left : float
            Seconds since the last note, and until the end.
        """
        self._bar.set_postfix(dict(shown), refresh=False)
        if self._lines:
            words = "  ".join(f"{name} {value}" for name, value in shown.items())
            line = f"{self._label}  {place}  {words}  {seconds:.1f} s, {left:.0f} s left"
            say(line, stream=self._stream)
