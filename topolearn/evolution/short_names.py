"""Names of many layers in few words."""

from collections import Counter
from collections.abc import Iterable

MOST = 3  # which are written out


def shortened(names: Iterable[str]) -> str:
    """Return names of layers for a message; those that differ by their numbers alone are named once.

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
