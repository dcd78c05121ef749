"""Decide whether a file has one kind of node or two."""

from __future__ import annotations

from topolearn.graph.reading.content import Content, Options


def decide_sides(content: Content, options: Options) -> tuple[int, str | None]:
    """Return the number of kinds of nodes, and the reason if it was inferred from names.

    The file or its format may declare it. Otherwise, two columns that share no name have two kinds of nodes; columns of
    ids, or with a name in both, are ambiguous.

    Raises
    ------
    InvalidValueError
        When it is ambiguous.
    """
    said = content.sides or content.declared.sides
    if options.sides is not None:
        if options.sides == 1 and said == 2 and not content.same_nodes and content.declared.sides == 2:
            options.ask(f"declares two kinds of nodes ({content.declared.text}): leave out sides=1")
        return options.sides, None
    if options.directed:
        return 1, None  # links between two kinds have no direction to ignore
    if said is not None:
        return said, None
    if content.question is not None:
        options.ask(content.question)
    ask = "pass sides=1 if all nodes are of one kind, or sides=2 if each column has its own kind"
    if content.source.is_numbers and content.target.is_numbers:
        shared = set(content.source.texts()[:10_000]) & set(content.target.texts()[:10_000])
        some = ", ".join(sorted(shared, key=int)[:3])
        where = f"some of them in both, such as {some}" if shared else "none of them in both"
        options.ask(f"has two columns of ids, {where}: {ask}")
    there = set(content.target.texts())
    both = [name for name in content.source.texts() if name in there]
    if both:
        options.ask(f"has names in both columns, such as {both[0]!r}: {ask}")
    n = content.source.codes.size
    if n > 1 and len(content.source.values) == n == len(content.target.values):
        options.ask(
            "has each name only once, as a table of names does: check that it is a list of links; if it is, pass "
            "sides=1 or sides=2"
        )
    return 2, "two kinds, as no name is in both columns"
