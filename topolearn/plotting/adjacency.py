"""Plots of the adjacency of a graph: exact cells if they fit, local densities otherwise."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from numpy.typing import NDArray

from topolearn.diagnostics import GraphLike
from topolearn.diagnostics.reading import read_single
from topolearn.graph import BipartiteGraph, Graph
from topolearn.plotting.drawing.cells import CellImage
from topolearn.plotting.drawing.fitting import fit_when_drawn, is_tight
from topolearn.plotting.drawing.style import axes_or_new, percent, percent_ticks, plain, style_for, whole_ticks
from topolearn.plotting.drawing.ticks import EvenTicks
from topolearn.plotting.order import Order, ordered

EXACT = 1.0  # pixels that a cell needs to be drawn individually
BLOCK = 3.0  # otherwise, the pixels across a block of cells
MOST_NAMES = 40  # the largest number of neurons whose names are written at their cells
SMALLEST_NAME, LARGEST_NAME = 4.0, 9.0  # points
ROOM_FOR_NAMES = 0.5  # share of the axes that remains when names take up space next to it
MAX_STRETCH = 3.0  # cells are square up to this ratio of the sides
LINK = ListedColormap(["#FFFFFF", "#12436D"])
# Lightness decreases evenly from white through the blues, so that darker always means denser.
DENSITY = LinearSegmentedColormap.from_list(
    "links", ["#FFFFFF", "#D6E6F2", "#9CC3DF", "#5598C8", "#1F6CA8", "#12436D", "#081D36"]
)


def adjacency(g: GraphLike, ax: Axes | None = None, *, title: str | None = None, order: Order | None = None) -> Axes:
    """Plot the adjacency of a graph.

    Rows are output neurons and columns are input neurons; for a one-mode graph both are its nodes. If the cells fit on
    the axes, each link is a dark cell; otherwise the colour is the local density in blocks of cells.

    Parameters
    ----------
    g : BipartiteGraph or Graph, or convertible to one
        A layer, or a one-mode graph.
    ax : Axes, optional
        Where to draw; default a new figure.
    title : str, optional
        Written above the number of links and the density.
    order : {"degree", "community"}, or sequences, optional
        The order of the neurons or nodes: by decreasing degree; by community, the largest first, and by degree within
        each; or a given order of numbers or names, a pair ``(inputs, outputs)`` for a graph with two sides. By default
        they are in the order of their numbers, which then label the axes. Up to forty names are always shown if there
        is room.

    Returns
    -------
    Axes
        With one image of exact cells, or one mesh of local densities and its colour bar.

    Raises
    ------
    UnknownNameError, InvalidValueError
        For an unknown order, or one that does not contain every neuron once.

    Examples
    --------
    >>> import numpy as np
    >>> from topolearn.graph import BipartiteGraph
    >>> ax = adjacency(BipartiteGraph(np.eye(4, dtype=bool)))
    >>> ax.get_title(loc="left")
    '4 links, density 25 %'
    """
    graph = read_single(g, "adjacency")
    if order is not None:
        graph = ordered(graph, order)
    with style_for(ax):
        ax = axes_or_new(ax, width=5.0, height=5.2)
        by = None if order is None else f"by {order}" if isinstance(order, str) else "in a given order"
        density = draw_adjacency(graph, ax, title=title, ordered_by=by)
        if density is not None:
            add_density_bar(density, ax)
    return ax


def draw_adjacency(
    g: BipartiteGraph | Graph,
    ax: Axes,
    *,
    title: str | None = None,
    ordered_by: str | None = None,
    blocks: tuple[int, int] | None = None,
) -> ScalarMappable | None:
    """Draw into `ax`; if the colours are densities, return the mappable for a colour bar, else None.

    `blocks` has the numbers of rows and columns of cells that share a colour; default as many as the axes require.
    """
    counts = f"{g.n_links:,} links, density {percent(g.density)}"
    names = ("node", "node") if isinstance(g, Graph) else ("input neuron", "output neuron")
    labels = (g.names, g.names) if isinstance(g, Graph) else (g.input_names, g.output_names)
    g = BipartiteGraph(g.to_scipy()) if isinstance(g, Graph) else g  # the symmetric matrix is drawn like any other
    square = has_square_cells(g)
    rows, columns = blocks or block_shape(g, ax)
    density: ScalarMappable | None = None
    if rows == columns == 1:
        CellImage(ax, g.to_scipy().toarray(), LINK)
    else:
        local, row_edges, column_edges = local_density(g, rows, columns)
        density = ax.pcolormesh(
            column_edges, row_edges, local, cmap=DENSITY, vmin=0, vmax=colour_top(local), rasterized=True
        )
        density.topolearn_block = f"{rows} × {columns}"  # type: ignore[attr-defined]
    ax.set_aspect("equal" if square else "auto")
    ax.set(xlim=(-0.5, g.n_in - 0.5), ylim=(g.n_out - 0.5, -0.5), xlabel=names[0], ylabel=names[1])
    ax.grid(visible=False)
    ax.spines[:].set_visible(True)
    sides = ((ax.xaxis, g.n_in, names[0], labels[0]), (ax.yaxis, g.n_out, names[1], labels[1]))
    for axis, size, name, words in sides:
        if words is not None and name_cells(axis, words, ax):
            axis.set_label_text(name if ordered_by is None else f"{name}s, {ordered_by}")
        elif ordered_by is None:
            whole_ticks(axis)
        else:  # a position in the order is not a neuron's number
            axis.set_ticks([])
            axis.set_label_text(f"{size:,} {name}s, {ordered_by}")
    ax.set_title(counts if title is None else f"{plain(title)}\n{counts}", loc="left", fontsize="small")
    return density


def name_cells(axis: Axis, names: Sequence[str], ax: Axes) -> bool:
    """Write the names of a few neurons next to their cells, as large as fits; return whether they fit."""
    is_x = axis is ax.xaxis
    box = ax.get_window_extent()
    pixels = ROOM_FOR_NAMES * min(box.width, box.height) / max(len(names), 1)
    size = min(LARGEST_NAME, 72 * pixels / ax.figure.get_dpi())
    if len(names) > MOST_NAMES or size < SMALLEST_NAME:
        return False
    axis.set_ticks(range(len(names)), [plain(name) for name in names], fontsize=size, rotation=90 if is_x else 0)
    axis.set_tick_params(length=0)
    return True


def add_density_bar(density: ScalarMappable, *axes: Axes) -> None:
    """Add the colour bar of local densities below one axes, or below several that share it."""
    figure = axes[0].figure
    tight = is_tight(figure)  # a tight layout only handles colour bars with their own gridspec
    shape: dict[str, Any] = {"pad": 0.25, "use_gridspec": True} if tight else {"pad": 0.03, "use_gridspec": False}
    shared = axes[0] if len(axes) == 1 else axes
    bar = figure.colorbar(density, ax=shared, location="bottom", extend="max", shrink=0.75, aspect=40, **shape)
    bar.set_label(f"local density ({density.topolearn_block} cells per block)")  # type: ignore[attr-defined]
    percent_ticks(bar.ax.xaxis)
    bar.ax.xaxis.set_major_locator(EvenTicks())
    fit_when_drawn(bar.ax)
    bar.outline.set_visible(False)


def has_square_cells(g: BipartiteGraph) -> bool:
    """Return whether cells are drawn as squares, which they are unless one side is much longer than the other."""
    return max(g.n_in, g.n_out) <= MAX_STRETCH * max(min(g.n_in, g.n_out), 1)


def block_shape(g: BipartiteGraph, ax: Axes) -> tuple[int, int]:
    """Return the numbers of rows and columns of cells that share one colour on these axes."""
    box = ax.get_window_extent()
    cell = np.array([box.height / max(g.n_out, 1), box.width / max(g.n_in, 1)])  # pixels
    if has_square_cells(g):
        cell[:] = cell.min()
    if (cell >= EXACT).all():
        return 1, 1
    rows, columns = (max(1, math.ceil(BLOCK / pixels)) for pixels in cell)
    return rows, columns


def local_density(
    g: BipartiteGraph, rows: int, columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the links per cell in blocks, and the edges of the blocks; the last blocks may be smaller."""
    row_edges = np.append(np.arange(0, g.n_out, rows), g.n_out)
    column_edges = np.append(np.arange(0, g.n_in, columns), g.n_in)
    inputs, outputs = g.edges().T
    counts = np.zeros((len(row_edges) - 1, len(column_edges) - 1))
    np.add.at(counts, (outputs // rows, inputs // columns), 1)
    cells = np.outer(np.diff(row_edges), np.diff(column_edges))
    return counts / cells, row_edges - 0.5, column_edges - 0.5


def colour_top(local: NDArray[np.float64]) -> float:
    """Return the density of the darkest colour, chosen so that a few hubs do not wash out the rest."""
    filled = local[local > 0]
    return float(np.quantile(filled, 0.98)) if filled.size else 1.0
