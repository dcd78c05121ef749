"""Whether the nodes of a file are of one kind or of two: read off, or asked."""

from __future__ import annotations

from topolearn.graph.reading.content import Content, Options, joined


def decide_sides(content: Content, options: Options) -> tuple[int, str | None]:
    """Return the kinds of nodes, and why, where nobody said it.

    A file or its format may say it. Of two columns without a word, names that are never in both are of two kinds; ids,
    or a name in both, may be either.

    Raises
    ------
    InvalidValueError
        When it may be either.
    """
    said = content.sides or content.declared.sides
    if options.sides is not None:
        if options.sides == 1 and said == 2 and not content.same_nodes and content.declared.sides == 2:
            options.ask(f"says that it has two kinds of nodes ({content.declared.text}): leave sides=1 out")
        return options.sides, None
    if options.directed:
        return 1, None  # links from one kind to another have no other direction
    if said is not None:
        return said, None
    if content.question is not None:
        options.ask(content.question)
    ask = "pass sides=1 if all nodes are of one kind, sides=2 if the columns are of two"
    if content.source.is_numbers and content.target.is_numbers:
        shared = set(content.source.texts()[:10_000]) & set(content.target.texts()[:10_000])
        where = f"of which {joined(sorted(shared, key=int), 3)} are in both" if shared else "none in both"
        options.ask(f"has two columns of ids, {where}: {ask}")
    there = set(content.target.texts())
    both = [name for name in content.source.texts() if name in there]
    if both:
        options.ask(f"has names in both columns, such as {both[0]!r}: {ask}")
    n = content.source.codes.size
    if n > 1 and len(content.source.values) == n == len(content.target.values):
        options.ask(
            f"has each name once, as a list of names has, or {n} links that do not touch: pass sides=1 or sides=2"
        )
    return 2, "two kinds, as no name is in both columns"
