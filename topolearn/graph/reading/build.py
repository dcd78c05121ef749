"""Build a graph from the content of a file, merging and dropping only what the options allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from topolearn.errors import InvalidValueError
from topolearn.graph.bipartite.graph import BipartiteGraph
from topolearn.graph.one_mode.graph import Graph
from topolearn.graph.reading.content import Column, Content, Options, counted, numbers
from topolearn.graph.reading.ids import Nodes, name_nodes, place_ids
from topolearn.graph.reading.sides import decide_sides
from topolearn.graph.reading.source import Source

Integers = NDArray[np.int64]


def build(content: Content, options: Options) -> Graph | BipartiteGraph:
    """Return the graph that a file's content describes, with its source.

    Raises
    ------
    InvalidValueError, CorruptFileError
        When the content is ambiguous, or links would be lost, and no option decides; or when a weight is not a finite
        number, or the numbers of nodes or links differ from those that the file declares.
    """
    _check_weights(content, options)
    sides, why = decide_sides(content, options)
    if options.counts == "ignore":
        content = replace(content, declared=replace(content.declared, n_nodes=None, n_links=None))
    return _one_kind(content, options, why) if sides == 1 else _two_kinds(content, options, why)


def _check_weights(content: Content, options: Options) -> None:
    """Reject weights that are not finite numbers, whichever format they come from."""
    if content.weights is None or np.isfinite(content.weights).all():
        return
    i = int(np.flatnonzero(~np.isfinite(content.weights))[0])
    a, b = (column.texts()[column.codes[i]] for column in (content.source, content.target))
    options.reject(f"has a weight that is not a finite number: {content.weights[i]}, of the link {a!r} - {b!r}")


def _one_kind(content: Content, options: Options, why: str | None) -> Graph:
    nodes, ends = _join(content, options)
    n = len(nodes.names)
    weights = content.weights
    is_loop = ends[:, 0] == ends[:, 1]
    n_loops, ends = int(is_loop.sum()), ends[~is_loop]
    weights = weights if weights is None else weights[~is_loop]
    n_directed = _n_distinct(ends[:, 0] * n + ends[:, 1])
    ends = np.sort(ends, axis=1)
    keys, which = np.unique(ends[:, 0] * n + ends[:, 1], return_inverse=True)
    n_repeated, n_mutual = len(ends) - n_directed, n_directed - keys.size
    _check_links(
        content, len(ends) + n_loops, {keys.size, keys.size + n_loops, n_directed, n_directed + n_loops}, options
    )
    _reject_lossy(content, options, n_loops, n_repeated, n_mutual)
    pairs = np.column_stack([keys // n, keys % n])
    graph = Graph(pairs, n, names=_texts(nodes))
    ignored = [
        *content.ignored,
        *counted(n_loops, "self-loop"),
        *counted(n_repeated, "repeated link"),
        *(f"direction of {links}" for links in counted(n_directed if options.directed else 0, "link")),
        *counted(n_mutual, "reverse link"),
    ]
    source = Source(
        path=options.path, format=content.format, sides=1, n_nodes=(n,), n_links=keys.size,
        n_isolated=n - _n_distinct(pairs), header=content.declared.text, ignored=tuple(ignored),
        decided=_decided(content, nodes.decided, why, len(ends) - keys.size), weights=_sums(weights, which, keys.size),
    )  # fmt: skip
    return graph.with_source(source)


def _reject_lossy(content: Content, options: Options, n_loops: int, n_repeated: int, n_mutual: int) -> None:
    """Raise one error that lists everything that would be lost and that no option allows."""
    directed, problems = content.declared.directed, []
    if options.directed and directed is False:
        options.ask("has undirected links: leave out directed=True")
    keep = (
        "pass directed=True to ignore their directions, or sides=2 to keep them as a BipartiteGraph of sources and "
        "targets"
    )
    if directed and not options.directed:
        both = f", including {counted(n_mutual, 'pair')[0]} in both directions" if n_mutual else ""
        problems.append(f"has directed links{both}: {keep}")
    elif n_mutual and not options.directed and options.duplicates == "error":
        cure = "duplicates='merge' if a-b and b-a are the same link"
        cure = f"pass {cure}" if directed is False else f"{keep}, or {cure}"
        problems.append(f"has {counted(n_mutual, 'pair')[0]} of nodes linked in both directions: {cure}")
    if n_repeated and options.duplicates == "error":
        problems.append(f"has {counted(n_repeated, 'repeated link')[0]}: pass duplicates='merge'")
    if n_loops and options.self_loops == "error":
        problems.append(f"has {counted(n_loops, 'self-loop')[0]}: pass self_loops='drop'")
    if problems:
        options.ask("; it also ".join(problems))


def _two_kinds(content: Content, options: Options, why: str | None) -> BipartiteGraph:
    if options.directed:
        raise InvalidValueError(
            "directed=True requires sides=1: with two kinds of nodes, every link leads from an input to an output"
        )
    if options.self_loops != "error":
        raise InvalidValueError("self_loops='drop' requires sides=1: with two kinds of nodes, there are no self-loops")
    declared = content.declared.n_nodes
    counts = (None, None) if declared is None else (declared[0], declared[-1])
    sources = _nodes(content.source, counts[0], content, options)
    targets = _nodes(content.target, counts[1], content, options)
    sides = (sources, targets)
    n_in, n_out = len(sources.names), len(targets.names)
    inputs, outputs = sources.place[content.source.codes], targets.place[content.target.codes]
    keys, which = np.unique(inputs * n_out + outputs, return_inverse=True)
    n_repeated = inputs.size - keys.size
    _check_links(content, inputs.size, {keys.size}, options)
    if n_repeated and options.duplicates == "error":
        options.ask(f"has {counted(n_repeated, 'repeated link')[0]}: pass duplicates='merge'")
    inputs, outputs = keys // n_out, keys % n_out
    names = [_texts(side) for side in sides]
    graph = BipartiteGraph.from_cells(outputs * n_in + inputs, n_in, n_out, input_names=names[0], output_names=names[1])
    isolated = n_in + n_out - _n_distinct(inputs) - _n_distinct(outputs)
    decided = [side.decided for side in sides]
    said = decided[0] if decided[0] == decided[1] else ", ".join(filter(None, decided)) or None
    source = Source(
        path=options.path, format=content.format, sides=2, n_nodes=(n_in, n_out), n_links=keys.size,
        n_isolated=isolated, header=content.declared.text,
        ignored=(*content.ignored, *counted(n_repeated, "repeated link")),
        decided=_decided(content, said, why, n_repeated), weights=_sums(content.weights, which, keys.size),
    )  # fmt: skip
    return graph.with_source(source)


def _join(content: Content, options: Options) -> tuple[Nodes, Integers]:
    """Return the nodes of a one-kind network, and its links as pairs of them."""
    source, target = content.source, content.target
    declared = content.declared.n_nodes
    n = None if declared is None else declared[0]
    if content.same_nodes:
        nodes = _nodes(source, n, content, options)
        return nodes, np.column_stack([nodes.place[source.codes], nodes.place[target.codes]])
    if source.is_numbers and target.is_numbers:
        values = np.union1d(source.values, target.values)
        nodes = _nodes(Column(source.codes, values), n, content, options)
        columns = [np.searchsorted(values, column.values)[column.codes] for column in (source, target)]
    else:
        first = [np.unique(column.codes, return_index=True)[1] for column in (source, target)]
        texts = [*source.texts(), *target.texts()]
        rows = np.concatenate([2 * first[0], 2 * first[1] + 1])  # nodes in the order in which their names first appear
        if len(rows) < len(texts):
            rows = np.arange(len(texts))
        place = {name: i for i, name in enumerate(dict.fromkeys(texts[i] for i in np.argsort(rows, kind="stable")))}
        nodes = _nodes(Column(source.codes, list(place)), n, content, options)
        columns = [
            np.array([place[name] for name in column.texts()], dtype=np.int64)[column.codes]
            for column in (source, target)
        ]
    return nodes, np.column_stack([nodes.place[column] for column in columns])


def _nodes(column: Column, declared: int | None, content: Content, options: Options) -> Nodes:
    if content.complete:
        return Nodes(column.values, np.arange(len(column.values), dtype=np.int64))
    if isinstance(column.values, np.ndarray):
        return place_ids(column.values, declared, content.declared.first_id, options)
    if options.index_base is not None:
        options.ask(
            f"has names such as {column.values[0]!r}: index_base={options.index_base} works only with integer ids"
        )
    return name_nodes(column.values, declared, options)


def _check_links(content: Content, n_lines: int, counts: set[int], options: Options) -> None:
    """Reject a file whose number of links differs from the one it declares: it may be truncated."""
    said = content.declared.n_links
    if said is not None and not content.declared.multiple and said not in {n_lines, *counts}:
        options.reject(
            f"has {n_lines:,} links, but its header says {said:,}: it may be truncated; if it is complete, pass "
            "counts='ignore'"
        )


def _texts(side: Nodes) -> list[str] | None:
    if isinstance(side.names, np.ndarray):
        return None if np.array_equal(side.names, numbers(side.names.size)) else list(map(str, side.names.tolist()))
    return side.names


def _decided(content: Content, ids: str | None, why: str | None, n_merged: int) -> tuple[str, ...]:
    added = ", summed over merged links" if n_merged else ""
    kept = None if content.weights is None else f"weights kept{added}"
    return (*filter(None, (why, ids, kept)), *content.decided)


def _sums(weights: NDArray[np.float64] | None, which: Integers, n: int) -> NDArray[np.float64] | None:
    """Return the weight of each link: the sum over the links merged into it."""
    return None if weights is None else np.bincount(which.ravel(), weights, minlength=n).astype(np.float64)


def _n_distinct(values: Integers) -> int:
    if not values.size:
        return 0
    ordered = np.sort(values, axis=None)  # ten times as fast as np.unique without inverse, which hashes
    return int((np.diff(ordered) != 0).sum()) + 1
