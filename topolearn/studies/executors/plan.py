"""The plan of an executor: its settings besides the items."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

from topolearn.errors import InvalidValueError
from topolearn.registry import suggest
from topolearn.studies.registered import RegisteredEntry
from topolearn.studies.work import LOST, Outcome, WorkItem, first_line

Work = Callable[[WorkItem], Outcome]
Outcomes = Generator[tuple[WorkItem, Outcome], None, None]


@dataclass(frozen=True)
class Plan:
    """How many runs are trained at a time, and where.

    Attributes
    ----------
    jobs : int
        Number of runs at a time.
    threads : int or None
        CPU threads of each run; None leaves torch's default.
    folder : Path
        Where the executor puts its own files, such as logs.
    options : Mapping
        Options specific to the executor, such as ``address``.
    registered : tuple of RegisteredEntry
        The user's registered entries, which each worker registers as well.
    """

    jobs: int
    threads: int | None
    folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    registered: tuple[RegisteredEntry, ...] = ()

    def only(self, executor: str, *known: str) -> None:
        """Raise for options that the executor does not know.

        Raises
        ------
        InvalidValueError
        """
        for name in self.options:
            if name not in known:
                hint = suggest(name, list(known)) if known else "it has none"
                raise InvalidValueError(f"executor {executor!r} has no option {name!r}: {hint}")


Executor = Callable[[Work, Sequence[WorkItem], Plan], Outcomes]


def lost(error: BaseException) -> Outcome:
    """Return the outcome of an item whose worker died."""
    return Outcome(LOST, shorten(f"its worker died ({first_line(error)})", 200, placeholder=" ...)"))
