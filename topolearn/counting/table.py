"""`table`: the cost of a training, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from topolearn.counting.kinds import KindCount

if TYPE_CHECKING:
    from topolearn.counting.count import TrainingCount

EXACT = 100_000  # smaller counts are written in full
COUNTS = ("", "k", "M", "B", "T")  # units of larger counts, which get three digits
BYTES = ("B", "kB", "MB", "GB", "TB", "PB")


def table(costs: TrainingCount) -> str:
    """Return a table of all kinds of module and the bytes, next to the dense network; "a to b" is start to end."""
    return "\n\n".join((_heading(costs), _kinds(costs), _bytes(costs), _notes(costs)))


def _heading(costs: TrainingCount) -> str:
    from topolearn.counting.count import method_of

    workload, method = costs.workload, method_of(costs.workload)
    density = "dense"
    if costs.schedule:
        falls = f"{method.initial_density:.4g} falling to " if method.decays else ""
        density = f"density {falls}{method.density:.4g}, updates every {costs.interval:,} steps"
    batches = f"{workload.accumulation} x " if workload.accumulation > 1 else ""
    size = f" of {batches}{workload.step}" if workload.step else ""
    return f"{method.title}: {density}\n{workload.steps:,} steps{size}; optimizer {workload.optimizer}"


def _kinds(costs: TrainingCount) -> str:
    columns = ["", "shape", "modules", "parameters", "sparse", "links", "FLOPs", "sparse"]
    other = [""] * 5
    rows = [_row(each) for each in costs.kinds]
    if costs.other_flops:
        rows.append(["outside linear layers, e.g. attention", *other, *2 * [in_powers(costs.other_flops)]])
    if costs.update_flops:
        rows.append(["gradients of all cells at updates", *other, "0", in_powers(costs.update_flops)])
    return _aligned([columns, *rows, _row(costs.total)])


def _row(each: KindCount) -> list[str]:
    shape = " x ".join(map(str, each.shape))
    sparse = _fall(each.sparse_parameters, each.last_parameters)
    links = _fall(each.links, each.last_links) if each.cells else ""
    flops = [in_powers(n) for n in (each.dense_flops, each.flops)]
    return [each.kind, shape, str(each.n_modules), in_short(each.parameters), sparse, links, *flops]


def _fall(first: int, last: int) -> str:
    return in_short(first) if first == last else f"{in_short(first)} to {in_short(last)}"


def _bytes(costs: TrainingCount) -> str:
    names = ("weights", "gradients", "optimizer", "indices", "total")
    rows = [[name, *(in_bytes(getattr(each, name)) for each in costs.memory.values())] for name in names]
    return _aligned([["bytes", *costs.memory], *rows])


def _notes(costs: TrainingCount) -> str:
    notes = (
        "FLOPs: 2 per multiply-add; backward counts as two forwards; embeddings are free; no link prediction.",
        "Sparse layers count by their links, as csr computes them; masked computes as much as the dense network.",
        "Bytes: without activations and without the temporary memory of updates.",
    )
    return "\n".join((*notes, *costs.workload.notes))


def in_short(n: int) -> str:
    """Return a count, exact if it is below 100,000, otherwise with three digits.

    Examples
    --------
    >>> in_short(99_999), in_short(1_339_082_752), in_short(134_105_856), in_short(999_999)
    ('99,999', '1.34 B', '134 M', '1.00 M')
    """
    return f"{n:,}" if n < EXACT else _scaled(n, COUNTS)


def in_powers(n: int) -> str:
    """Return a number of FLOPs with three digits.

    Examples
    --------
    >>> in_powers(0), in_powers(10**17)
    ('0', '1.00e+17')
    """
    return f"{n:.2e}" if n else "0"


def in_bytes(n: int) -> str:
    """Return a number of bytes in the largest unit that fits.

    Examples
    --------
    >>> in_bytes(999), in_bytes(1_234_567), in_bytes(20_000)
    ('999 B', '1.23 MB', '20.0 kB')
    """
    return f"{n} B" if n < 1000 else _scaled(n, BYTES)


def _scaled(n: int, units: Sequence[str]) -> str:
    """Return three digits and a unit; each unit is a thousand times the one before."""
    digits, power = f"{n:.2e}".split("e+")
    unit = min(int(power) // 3, len(units) - 1)
    shift = int(power) - 3 * unit
    return f"{float(digits) * 10**shift:.{max(2 - shift, 0)}f} {units[unit]}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join((first.ljust(widths[0]), *cells)).rstrip())
    return "\n".join(lines)
