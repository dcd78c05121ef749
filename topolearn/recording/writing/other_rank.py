"""The recorder of all ranks except 0, which is the only one that records."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from topolearn.recording.writing.logged import check_numbers, check_step
from topolearn.recording.writing.loggers import Logger, check_loggers
from topolearn.recording.writing.recorder import Recorder


class OtherRank(Recorder):
    """Accepts and checks the same calls as a `Recorder`, but writes nothing."""

    def __init__(self, path: Path) -> None:
        self.path, self.summary = path, dict[str, Any]()

    def add_logger(self, logger: Logger) -> None:
        """Check a logger; only rank 0 uses it."""
        check_loggers([logger])

    def log(self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **numbers: Any) -> None:
        """Check numbers."""
        check_numbers({**(values or {}), **numbers})
        if step is not None:
            check_step(step)

    def measure(self, *, step: int | None = None) -> dict[str, float]:
        """Return an empty dict: only rank 0 measures."""
        return {}

    def snapshot(self) -> None:
        """Do nothing."""

    def write_summary(self, *, complete: bool) -> None:
        """Do nothing."""

    @contextmanager
    def replacing(self, *names: str) -> Iterator[None]:
        """Do nothing."""
        yield

    def abandon(self, reason: str = "") -> None:
        """Do nothing."""

    def close(self, *, complete: bool = True) -> None:
        """Do nothing."""
