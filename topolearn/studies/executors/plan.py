"""What an executor is told besides the items."""

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
    """How many runs there are at a time, and where.

    Attributes
    ----------
    jobs : int or None
        Runs at a time.
    threads : int or None
        CPU threads of each run; None leaves torch's number.
    folder : Path
        For files of the executor's own, such as logs.
    options : Mapping
        What only this executor knows, such as ``address``.
    registered : tuple of RegisteredEntry
        What the user registered, which each worker is to register too.
    """

    jobs: int
    threads: int | None
    folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    registered: tuple[RegisteredEntry, ...] = ()

    def only(self, executor: str, *known: str) -> None:
        """Refuse options that the executor does not know.

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
    """Return the outcome of a item whose worker died."""
    return Outcome(LOST, shorten(f"its worker died ({first_line(error)})", 200, placeholder=" ...)"))
