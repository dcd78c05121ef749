"""csr layers (torch's sparse products) compared with masked ones: the table behind ``backend="auto"``."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from analysis.benchmarks.cuda.sizes import Sizes
from analysis.benchmarks.cuda.stage import Case, Stage
from topolearn.benchmarks.calibration import crossover_at
from topolearn.sparse.choice import Crossovers

SETUP = 1.0  # seconds for graphs and indices of the widest layers


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Return one case for each width and batch."""
    return [{"width": width, "batch": batch} for width in sizes.csr_widths for batch in sizes.csr_batches]


def measure(case: Case, sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Return the density up to which csr trains a layer of this size faster."""
    density = crossover_at(case["width"], case["batch"], sizes.csr_densities, sizes.csr_seconds, device)
    return {"density": round(density, 4)}


def table(rows: Iterable[Mapping[str, Any]]) -> Crossovers | None:
    """Return the crossovers of rows in the form that `best_backend` reads, or None if one is missing.

    Examples
    --------
    >>> table([{"width": 8, "batch": 1, "density": 0.1}, {"width": 16, "batch": 1, "density": 0.2}]).densities
    [[[0.1], [0.2]]]
    >>> table([{"width": 8, "batch": 1, "density": 0.1}, {"width": 16, "batch": 2, "density": 0.2}])
    """
    known = {(row["width"], row["batch"]): row["density"] for row in rows if "density" in row}
    widths, batches = (sorted({point[i] for point in known}) for i in range(2))
    if not known or len(known) < len(widths) * len(batches):
        return None
    return Crossovers([1], widths, batches, [[[known[width, batch] for batch in batches] for width in widths]])


def seconds(case: Case, sizes: Sizes) -> float:
    """Estimate the seconds of a case: both backends at half of the densities, as csr is slower from there on."""
    return (len(sizes.csr_densities) / 2) * (2 * sizes.csr_seconds + SETUP * (case["width"] / 4096) ** 2)


BACKENDS = Stage("backends", 40, cases, measure, seconds)
