"""`table`: what a training costs, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from topolearn.counting.kinds import KindCount

if TYPE_CHECKING:
    from topolearn.counting.count import TrainingCount

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def table(costs: TrainingCount) -> str:
    """Return a line for each kind of module, and the bytes, beside those of the dense network."""
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
    total, falls = costs.total, costs.links != costs.last_links
    columns = ["", "shape", "modules", "parameters", "links"] + ["at the end"] * falls
    columns += ["sparse parameters"] + ["at the end"] * falls + ["FLOPs, dense", "sparse"]
    other = [""] * (len(columns) - 3)
    rows = [_row(each, falls=falls) for each in costs.kinds]
    if costs.other_flops:
        rows.append(["products without parameters, as attention's", *other, *2 * [f"{costs.other_flops:.3g}"]])
    if costs.update_flops:
        rows.append(["gradients of all cells at updates", *other, "0", f"{costs.update_flops:.3g}"])
    return _aligned([columns, *rows, _row(total, falls=falls)])


def _row(each: KindCount, *, falls: bool) -> list[str]:
    shape = " x ".join(map(str, each.shape))
    links = [f"{n:,}" if each.cells else "" for n in (each.links, each.last_links)]
    sparse = [f"{n:,}" for n in (each.sparse_parameters, each.last_parameters)]
    shown = 1 + falls
    flops = [f"{n:.3g}" for n in (each.dense_flops, each.flops)]
    return [each.kind, shape, str(each.n_modules), f"{each.parameters:,}", *links[:shown], *sparse[:shown], *flops]


def _bytes(costs: TrainingCount) -> str:
    names = ("weights", "gradients", "optimizer", "indices", "total")
    rows = [[name, *(in_bytes(getattr(each, name)) for each in costs.memory.values())] for name in names]
    return _aligned([["bytes", *costs.memory], *rows])


def _notes(costs: TrainingCount) -> str:
    notes = (
        "FLOPs: 2 a multiply-add, forward and twice as many backward; embeddings cost none; without link prediction.",
        "Sparse layers count by their links, as csr computes; masked computes what the dense network does.",
        "Bytes: without activations, and without what an update takes while it goes on.",
    )
    return "\n".join((*notes, *costs.workload.notes))


def in_bytes(n: int) -> str:
    """Return a number of bytes in the largest unit of which there is at least one.

    Examples
    --------
    >>> in_bytes(999), in_bytes(1_234_567)
    ('999 B', '1.23 MB')
    """
    power = min((len(str(n)) - 1) // 3, len(UNITS) - 1)
    return f"{n} B" if not power else f"{n / 1000**power:.3g} {UNITS[power]}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join((first.ljust(widths[0]), *cells)).rstrip())
    return "\n".join(lines)
