"""Which backend is faster for a layer, from a table of measured crossovers."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from topolearn.errors import CorruptFileError

MASKED, CSR = "masked", "csr"  # the names of the backends
CPU = "cpu"
SHIPPED = Path(__file__).with_name("crossovers.json")  # for CPUs; tables for other devices would be next to it
BATCH = 32  # activations, where the batch size is unknown


@dataclass(frozen=True)
class Crossovers:
    """The density up to which the csr backend trains a square layer faster than the masked backend.

    Attributes
    ----------
    threads, widths, batches : sequence of int
        CPU threads (one on other devices), neurons on each side, and activations per batch, ascending.
    densities : sequence of sequences of sequences of float
        ``densities[t][i][j]`` is the crossover at ``threads[t]``, ``widths[i]`` and ``batches[j]``; 0 where csr is
        never faster.

    Examples
    --------
    >>> table = Crossovers((1,), (100, 10_000), (32,), (((0.0,), (0.4,)),))
    >>> round(table.at(1000, 1000, batch=32, threads=1), 3)  # half way, in powers of ten
    0.2
    """

    threads: Sequence[int]
    widths: Sequence[int]
    batches: Sequence[int]
    densities: Sequence[Sequence[Sequence[float]]]

    def at(self, n_in: int, n_out: int, *, batch: int, threads: int) -> float:
        """Return the crossover for a layer, interpolated; beyond the table's edges, the value at the edge."""
        width = math.sqrt(n_in * n_out)
        tables = [[_between(self.batches, row, batch) for row in table] for table in self.densities]
        return _between(self.threads, [_between(self.widths, column, width) for column in tables], threads)


def best_backend(
    n_in: int,
    n_out: int,
    density: float,
    *,
    batch: int = BATCH,
    threads: int | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> str:
    """Return the backend that ``backend="auto"`` chooses for a layer.

    In float32 and float64 this is csr up to the crossover that was measured for the layer's size, the batch and the
    threads on that type of device; in other dtypes, and on devices without measurements, it is masked. The shipped
    table was measured on two 2.4 GHz cores with 256-bit vectors; ``topolearn bench --calibrate`` measures this machine
    (with ``--device cuda``, its GPU) and stores the table in `calibration_file`.

    Parameters
    ----------
    n_in, n_out : int
        Neurons on each side.
    density : float
        Share of the cells that are links.
    batch : int
        Activations per neuron and step: the number of examples or, for sequences, of all their elements.
    threads : int, optional
        Default the number of threads that torch uses.
    device, dtype
        The layer's device and dtype; the default dtype is torch's.

    Examples
    --------
    >>> best_backend(1568, 1568, 0.01), best_backend(1568, 1568, 0.9), best_backend(1568, 1568, 0.01, device="cuda")
    ('csr', 'masked', 'masked')
    """
    kind = torch.get_default_dtype() if dtype is None else dtype
    table = crossovers(torch.device(device).type) if kind in (torch.float32, torch.float64) else None
    if table is None:
        return MASKED
    n = torch.get_num_threads() if threads is None else threads
    return CSR if density <= table.at(n_in, n_out, batch=batch, threads=n) else MASKED


def calibration_file(device_type: str = CPU) -> Path:
    """Return the path of this machine's crossovers for a type of device, in the user's cache.

    Examples
    --------
    >>> calibration_file().name, calibration_file("cuda").name
    ('crossovers.json', 'crossovers-cuda.json')
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "topolearn" / ("crossovers.json" if device_type == CPU else f"crossovers-{device_type}.json")


def crossovers(device_type: str = CPU) -> Crossovers | None:
    """Return the crossovers measured on this machine for a type of device, else the shipped ones, else None.

    Raises
    ------
    CorruptFileError
        When the user's file is not a valid table.
    """
    own = calibration_file(device_type)
    if own.is_file():
        return _read(own, own.stat().st_mtime_ns)
    shipped = SHIPPED.with_name(own.name)
    return _read(shipped, 0) if shipped.is_file() else None


@cache
def _read(path: Path, changed: int) -> Crossovers:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        table = Crossovers(*(content[name] for name in ("threads", "widths", "batches", "densities")))
        values = np.array(table.densities, dtype=float)
        fits = values.shape == (len(table.threads), len(table.widths), len(table.batches))
        fits &= bool(((values >= 0) & (values <= 1)).all())
        axes = (table.threads, table.widths, table.batches)
        fits &= all(marks[0] >= 1 and all(low < high for low, high in pairwise(marks)) for marks in axes)
    except (ValueError, KeyError, TypeError, IndexError, OSError, RecursionError):
        fits = False
    if not fits:
        raise CorruptFileError(
            f"{path} is not a valid table of crossovers: remove it, or run topolearn bench --calibrate"
        )
    return table


def to_json(table: Crossovers, about: Mapping[str, object]) -> str:
    """Return a table as JSON, together with metadata about it."""
    return json.dumps({**about, **asdict(table)}) + "\n"


def _between(marks: Sequence[int], values: Sequence[float], x: float) -> float:
    """Interpolate on a logarithmic axis."""
    return float(np.interp(math.log(max(x, 1)), np.log(marks), values))
