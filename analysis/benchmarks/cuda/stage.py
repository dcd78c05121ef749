"""`Stage`: one kind of measurement, with its cases, its time limit, and the function that measures a case."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch

from analysis.benchmarks.cuda.accelerator import NotHereError
from analysis.benchmarks.cuda.sizes import Sizes

Case = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One kind of measurement.

    Attributes
    ----------
    name : str
    limit : float
        Seconds after which it is cut short.
    cases : callable
        Takes the sizes and the device, and returns the cases, the most important first.
    measure : callable
        Returns the measurements of a case.
    seconds : callable
        Estimates the seconds of a case on one H200 with 16 cores, from its operations, launches, and compilation.
    needs : tuple of str
        Import names of packages without which the stage is skipped.
    """

    name: str
    limit: float
    cases: Callable[[Sizes, torch.device], Sequence[Case]]
    measure: Callable[[Case, Sizes, torch.device], Mapping[str, Any]]
    seconds: Callable[[Case, Sizes], float]
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The required packages that are not installed."""
        return missing_of(self.needs)

    def rows(self, sizes: Sizes, device: torch.device, write: Callable[[Row], None]) -> None:
        """Measure the cases until the limit, writing each row immediately; the row of a failed case has the reason."""
        end = time.perf_counter() + self.limit
        for case in self.cases(sizes, device):
            start = time.perf_counter()
            if start >= end:
                return
            row = case | self._numbers(case, sizes, device)
            write(row | {"seconds": round(time.perf_counter() - start, 2)})

    def _numbers(self, case: Case, sizes: Sizes, device: torch.device) -> Row:
        try:
            return dict(self.measure(case, sizes, device))
        except NotHereError as error:
            return {"skipped": str(error)}
        except Exception as error:  # must not stop the other cases
            reason = (str(error).strip() or "no message").partition("\n")[0]
            return {"failed": f"{type(error).__name__}: {reason}"[:500]}


def missing_of(names: Sequence[str]) -> list[str]:
    """Return the packages that cannot be imported."""
    return [name for name in names if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False
