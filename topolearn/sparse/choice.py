"""Which backend is the faster one for a layer, by a table of measured crossovers."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from topolearn.errors import CorruptFileError

SHIPPED = Path(__file__).with_name("crossovers.json")
BATCH = 32  # of activations, where it is not known


@dataclass(frozen=True)
class Crossovers:
    """The density up to which the csr backend trains a square layer faster than the masked one, on a CPU.

    Attributes
    ----------
    widths, batches : sequence of int
        Neurons on each side, and activations in a batch, ascending.
    densities : sequence of sequences of float
        ``densities[i][j]`` is the crossover at ``widths[i]`` and ``batches[j]``, 0 where csr is never the faster one.

    Examples
    --------
    >>> table = Crossovers((100, 10_000), (32,), ((0.0,), (0.4,)))
    >>> round(table.at(1000, 1000, 32), 3)  # half way, in powers of ten
    0.2
    """

    widths: Sequence[int]
    batches: Sequence[int]
    densities: Sequence[Sequence[float]]

    def at(self, n_in: int, n_out: int, batch: int) -> float:
        """Return the crossover for a layer, by interpolation; beyond the table's edges it is that of the edge."""
        i, across = _place(self.widths, math.sqrt(n_in * n_out))
        j, along = _place(self.batches, batch)
        low, high = (
            self.densities[row][j] * (1 - along) + self.densities[row][min(j + 1, len(self.batches) - 1)] * along
            for row in (i, min(i + 1, len(self.widths) - 1))
        )
        return low * (1 - across) + high * across


def best_backend(
    n_in: int,
    n_out: int,
    density: float,
    *,
    batch: int = BATCH,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> str:
    """Return the backend that ``backend="auto"`` takes for a layer.

    On a CPU, in float32 and float64, this is csr up to the crossover that was measured for the layer's size and the
    batch; anywhere else it is masked. The shipped table is of two cores of 2.4 GHz with 256-bit vectors, on one thread;
    ``topolearn bench --calibrate`` measures that of this machine, and keeps it in `calibration_file`.

    Parameters
    ----------
    n_in, n_out : int
        Neurons on each side.
    density : float
        Share of the cells that are links.
    batch : int
        Activations in a batch.
    device, dtype
        Where the layer computes, and in what; default torch's default dtype.

    Examples
    --------
    >>> best_backend(1568, 1568, 0.01), best_backend(1568, 1568, 0.9), best_backend(1568, 1568, 0.01, device="cuda")
    ('csr', 'masked', 'masked')
    """
    kind = torch.get_default_dtype() if dtype is None else dtype
    if torch.device(device).type != "cpu" or kind not in (torch.float32, torch.float64):
        return "masked"
    return "csr" if density <= crossovers().at(n_in, n_out, batch) else "masked"


def calibration_file() -> Path:
    """Return where the crossovers of this machine are kept: ``topolearn/crossovers.json`` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "topolearn" / "crossovers.json"


def crossovers() -> Crossovers:
    """Return the crossovers of this machine if they were measured, else the shipped ones.

    Raises
    ------
    CorruptFileError
        When the user's file is no such table.
    """
    own = calibration_file()
    return _read(own, own.stat().st_mtime_ns) if own.is_file() else _read(SHIPPED, 0)


@cache
def _read(path: Path, changed: int) -> Crossovers:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        table = Crossovers(*(content[name] for name in ("widths", "batches", "densities")))
        table.at(1, 1, 1)
        fits = len(table.densities) == len(table.widths)
        fits &= all(len(row) == len(table.batches) and all(0 <= x <= 1 for x in row) for row in table.densities)
    except (ValueError, KeyError, TypeError, IndexError, UnicodeDecodeError):
        fits = False
    if not fits:
        raise CorruptFileError(f"{path} is no table of crossovers: remove it, or run topolearn bench --calibrate")
    return table


def to_json(table: Crossovers, about: Mapping[str, object]) -> str:
    """Return a table as JSON, with what is to be said about it."""
    values = {"widths": list(table.widths), "batches": list(table.batches), "densities": list(table.densities)}
    return json.dumps({**about, **values}, indent=1)


def _place(marks: Sequence[int], value: float) -> tuple[int, float]:
    """Return the mark before a value, and how far the value is on the way to the next one, in logarithms."""
    i = max(sum(mark <= value for mark in marks) - 1, 0)
    if value <= marks[0] or i == len(marks) - 1:
        return i, 0.0
    return i, math.log(value / marks[i]) / math.log(marks[i + 1] / marks[i])
