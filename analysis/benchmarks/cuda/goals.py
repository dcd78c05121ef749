"""The table of goals: the targets, the measurements, and whether they reach the targets."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

PASS, SHORT, NOT_MEASURED = "pass", "short", "not measured"
ON_DEVICE = ("set", "rigl", "granet", "gmp", "mest", "topkast", "chts", "chtss")  # compute scores on the device
RATIO = "masked over dense, update included"

Rows = Sequence[Mapping[str, Any]]


class Goal(NamedTuple):
    """A row of the table."""

    name: str
    goal: str
    measured: str
    verdict: str


def goals(result: Mapping[str, Any]) -> list[Goal]:
    """Return the goals of a result; those whose stage was skipped, cut short or failed count as not measured."""
    rows = {name: entry["rows"] for name, entry in result["stages"].items()}
    lines: list[Goal] = []
    lines += _placement(rows.get("placement", []))
    lines += _steps(rows.get("steps", []))
    lines += _updates(rows.get("updates", []))
    lines += _tokens(rows.get("tokens", []))
    lines += _training(rows.get("training", []))
    lines += _link_prediction(rows.get("link prediction", []))
    n_points = result["stages"].get("backends", {}).get("cases", 0)
    measured = values(rows.get("backends", []), "density")
    lines.append(_line(
        'a table for backend="auto"', "every point", f"{len(measured)} of {n_points}" if measured else None,
        len(measured) == n_points,
    ))  # fmt: skip
    return lines


def to_markdown(lines: Iterable[Goal]) -> str:
    """Return the table as Markdown.

    Examples
    --------
    >>> print(to_markdown([Goal("steps", "fast", "1 ms", "pass")]))
    | goal | to reach | measured | |
    | --- | --- | --- | --- |
    | steps | fast | 1 ms | pass |
    """
    head = "| goal | to reach | measured | |\n| --- | --- | --- | --- |"
    return "\n".join([head, *(f"| {' | '.join(line)} |" for line in lines)])


def values(rows: Rows, name: str) -> list[float]:
    """Return the finite numbers in a column."""
    return [row[name] for row in rows if isinstance(row.get(name), int | float) and math.isfinite(row[name])]


def _line(name: str, goal: str, measured: str | None, reached: bool) -> Goal:
    if measured is None:
        return Goal(name, goal, "-", NOT_MEASURED)
    return Goal(name, goal, measured.replace("|", "/"), PASS if reached else SHORT)


def _all(
    rows: Rows, column: str, name: str, goal: str, reached: Callable[[float], bool], show: Callable[[list[float]], str]
) -> Goal:
    """Return a goal that all rows of a stage must reach, without failures."""
    measured = values(rows, column)
    n_failed = sum("failed" in row for row in rows)
    failed = [f"{n_failed} of {len(rows)} cases failed"] if n_failed else []
    shown = ", ".join([show(measured), *failed] if measured else failed)
    return _line(name, goal, shown or None, not n_failed and all(map(reached, measured)))


def _placement(rows: Rows) -> list[Goal]:
    shares = [{"share": row["differ after the first update"] / row["links"]} for row in rows if "links" in row]
    rows_of_shares = [*shares, *(row for row in rows if "failed" in row)]
    return [
        _all(
            rows_of_shares, "share", "links of the first update, as on the CPU", "0.1 % differ at most, per method",
            lambda share: share <= 1e-3, lambda each: f"{max(each):.3%} at most, {len(each)} methods",
        ),
        _all(
            rows, "off-link weights", "weights off the links", "0",
            lambda n: n == 0, lambda each: f"{sum(each)}, {len(each)} methods",
        ),
    ]  # fmt: skip


def _steps(rows: Rows) -> list[Goal]:
    lines = []
    for row in rows:
        name = f"masked step of a block, {row['block']}, {row['precision']}, {row['mode']}"
        ratio = row.get(RATIO)
        text = None if ratio is None else f"{100 * (ratio - 1):+.1f} %"
        text = row["failed"][:80] if "failed" in row else text
        lines.append(_line(name, "at most 3 % slower than dense, update included", text, bool(ratio and ratio <= 1.03)))
    lines.append(_all(
        rows, "off-link weights after updates", "weights off the links, including captured and compiled steps", "0",
        lambda n: n == 0, lambda each: str(sum(each)),
    ))  # fmt: skip
    return lines


def _updates(rows: Rows) -> list[Goal]:
    waiting = [row for row in rows if row["method"] in ON_DEVICE]
    return [_all(
        waiting, "waits a layer", "host waits per layer and update", f"at most 5: {', '.join(ON_DEVICE)}",
        lambda n: n <= 5, lambda each: f"{max(each):.1f} at most, {len(each)} methods",
    )]  # fmt: skip


def _tokens(rows: Rows) -> list[Goal]:
    rates = {row["method"]: row["tokens a second"] for row in rows if "tokens a second" in row}
    dense, masked = rates.get("dense"), rates.get("chts")
    share = masked / dense if dense and masked else 0.0
    text = f"{share:.1%} of {dense:,.0f}" if share else None
    return [_line("tokens a second of LLaMA-130M, masked", "at least 97 % of dense", text, share >= 0.97)]


def _training(rows: Rows) -> list[Goal]:
    accuracies = {row["device"]: row["test accuracy"] for row in rows if "test accuracy" in row}
    cpu = accuracies.pop("cpu", None)
    difference = max((abs(each - cpu) for each in accuracies.values()), default=None) if cpu is not None else None
    text = None if difference is None else f"{100 * difference:.2f} points"
    close = difference is not None and difference <= 0.01
    return [_line("accuracy of topolearn train, as on the CPU", "within 1 point", text, close)]


def _link_prediction(rows: Rows) -> list[Goal]:
    node = {row["density"]: row["ms"] for row in rows if row.get("axis") == "density" and _is(row, "ch2_l3n")}
    ratio = max(node.values()) / min(node.values()) if len(node) > 1 else 0.0
    return [_line(
        "CH2-L3n over density", "within a factor of 2, as in Figure 2", f"{ratio:.2f}" if ratio else None,
        0 < ratio <= 2,
    )]  # fmt: skip


def _is(row: Mapping[str, Any], predictor: str) -> bool:
    return row.get("predictor") == predictor and "ms" in row
