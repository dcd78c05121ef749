"""Abbreviating lists of layer names."""

from collections import Counter
from collections.abc import Iterable

MOST = 3  # patterns that are written out


def shortened(names: Iterable[str]) -> str:
    """Return a short list of layer names for a message; names that differ only in numbers are listed once.

    Examples
    --------
    >>> shortened(["first", "second"])
    'first, second'
    >>> shortened([f"h.{i}.{name}" for i in range(32) for name in ("q", "k")] + ["a", "b", "c", "head.0"])
    'h.*.q (32), h.*.k (32), a and 3 more'
    """
    counts: Counter[str] = Counter()
    last: dict[str, str] = {}
    for name in names:
        pattern = ".".join("*" if word.isdigit() else word for word in name.split("."))
        counts[pattern] += 1
        last[pattern] = name
    written = [last[each] if n == 1 else f"{each} ({n})" for each, n in counts.items()]
    more = f" and {len(written) - MOST} more" if len(written) > MOST else ""
    return ", ".join(written[:MOST]) + more
