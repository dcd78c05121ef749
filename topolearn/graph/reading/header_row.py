"""Decide whether the first row of a table is a header."""

from __future__ import annotations

import re
from collections.abc import Sequence

from topolearn.graph.reading.dialect import is_number

PAIRS = [
    tuple(pair.split())
    for pair in (
        "source target", "from to", "src dst", "node1 node2", "node_1 node_2", "input output", "input_name output_name",
        "fromnodeid tonodeid", "from_id to_id", "from_node to_node", "source_id target_id", "id1 id2", "id_1 id_2",
        "node_a node_b", "nodea nodeb", "protein1 protein2", "gene1 gene2", "name1 name2", "v1 v2", "start end",
        "head tail", "sender receiver", "citing cited", "follower followee", "user1 user2", "user item",
    )
]  # fmt: skip
# Usual column names, unlikely to be names of nodes.
_WORDS = {word for pair in PAIRS for word in pair} | {
    "node", "id", "name", "label", "weight", "user", "item", "drug", "target", "protein", "gene", "disease", "author",
    "paper", "actor", "movie", "film", "event", "person", "woman", "women", "plant", "pollinator", "species", "student",
    "time", "timestamp", "year", "type", "value", "count", "friend", "airport", "city", "country",
}  # fmt: skip


def is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool | None:
    """Return whether the first row is a header; None if it could be a header or a link.

    It is one if it has words above numbers, or the usual names for the ends of links. It is open if its words appear
    nowhere below.

    Examples
    --------
    >>> is_header(["x", "y"], [["1", "2"], ["3", "4"]])
    True
    >>> is_header(["aspirin", "COX1"], [["aspirin", "COX2"]])
    False
    >>> is_header(["medicine", "enzyme"], [["aspirin", "COX1"], ["aspirin", "COX2"]]) is None
    True
    """
    if not rows or any(map(is_number, first)):
        return not any(map(is_number, first)) and usual_pair(first) is not None
    columns = list(zip(*rows, strict=True))
    over_numbers = [all(map(is_number, column)) for column in columns]
    if any(over_numbers[:2]) or any(word and over for word, over in zip(first, over_numbers, strict=True)):
        return True
    if usual_pair(first) is not None or all(word.lower() in _WORDS for word in first[:2]):
        return True
    is_new = all(first[i] not in columns[i] for i in (0, 1)) and not {first[0], first[1]} & {*columns[0], *columns[1]}
    alike = all(_shape(first[i]) in set(map(_shape, columns[i])) for i in (0, 1))
    has_digits = any(re.search(r"\d", word) for word in first[:2])
    unnamed = any(not word and any(column) for word, column in zip(first, columns, strict=True))
    return None if unnamed or (is_new and not (alike and has_digits)) else False


def usual_pair(names: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns of the two ends of links, if they have one of the usual pairs of names."""
    lower = [re.sub(r"\W", "", name.lower().replace(" ", "_")) for name in names]
    for a, b in PAIRS:
        if a in lower and b in lower:
            return lower.index(a), lower.index(b)
    return None


def _shape(word: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", word))
