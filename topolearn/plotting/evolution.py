"""The evolution of a topology: the first and the last graph side by side, and a run in one figure."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from topolearn.errors import InvalidValueError
from topolearn.plotting.active_neurons import active_neurons
from topolearn.plotting.adjacency import MAX_STRETCH, add_density_bar, draw_adjacency
from topolearn.plotting.curves import curve_groups, metrics, score
from topolearn.plotting.degrees import draw_ccdf, finish, limit
from topolearn.plotting.drawing.style import axes_or_new, colours_of, figure_or_new, plain, style_for
from topolearn.plotting.run_data import RunLike, first_and_last, kept_steps, known_layer, layer_names, logged
from topolearn.plotting.updates import overlap

MOST_LAYERS = 3
INCHES_OF_LAYER = 3.2  # width of two adjacency plots side by side
NARROW = 5.5  # inches; narrower figures stack their panels
LEAST_HEIGHT = {"narrow": 7.0, "wide": 4.0}  # inches


def evolution(run: RunLike, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Plot a run in one figure: its first and last topology, its learning curve, its overlap and its active neurons.

    Parameters
    ----------
    run : Run
        A run with sparse layers and logged metrics.
    figure : Figure or SubFigure, optional
        Where to draw; default a new figure.

    Returns
    -------
    Figure or SubFigure
        The top shows the first and the last adjacency of up to three layers (the first, the middle and the last one,
        as many as fit). The bottom shows the score of the task or the first metrics that were logged, the overlap, and
        the active neurons. A topology that never changed is drawn once. The overlap is left out if no link was
        regrown.

    Raises
    ------
    InvalidValueError
        For a run without sparse layers or logged metrics, and for a figure that is not tall enough.

    Examples
    --------
    >>> figure = evolution(run)
    >>> figure.savefig(run.path / "evolution.png")
    """
    names = layer_names(run)
    logged(run)
    changes, regrows = len(kept_steps(run)) > 1, bool(run.history.updates["regrown"].any())
    with style_for(figure):
        figure = figure_or_new(figure, width=13.0, height=7.6)
        narrow = _is_narrow(figure)
        n_shown = min(MOST_LAYERS, max(1, int(_inches(figure)[0] / INCHES_OF_LAYER)))
        shown = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, n_shown).round().astype(int))]
        n_panels = 3 if regrows else 2
        ratios = (1.25, n_panels) if narrow else (1.1, 1.0)
        above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=ratios, hspace=0.04)))
        pictures = np.ravel(np.asarray(above.subfigures(1, len(shown), squeeze=False)))
        for name, picture in zip(shown, pictures, strict=True):
            picture.suptitle(plain(name), fontsize="medium", fontweight="bold")
            draw_pair(run, name, picture.subplots(1, 2 if changes else 1, squeeze=False)[0])
        panels = list(np.ravel(below.subplots(n_panels, 1) if narrow else below.subplots(1, n_panels)))
        _learned(run, panels.pop(0))
        if regrows:
            overlap(run, panels.pop(0))
        active_neurons(run, ["hidden"], panels[0])
        panels[0].set(title="Active hidden neurons", ylabel="linked on both sides")
        some = f", {len(shown)} of {len(names)} layers" if len(shown) < len(names) else ""
        figure.suptitle(f"{plain(run.name)}{some}")
    return figure


def _inches(figure: Figure | SubFigure) -> tuple[float, float]:
    root = figure.get_figure(root=True)
    assert root is not None
    return figure.bbox.width / root.dpi, figure.bbox.height / root.dpi


def _is_narrow(figure: Figure | SubFigure) -> bool:
    """Return whether panels must be stacked; raise an error if the figure is not tall enough for them."""
    width, height = _inches(figure)
    narrow = width < NARROW
    least = LEAST_HEIGHT["narrow" if narrow else "wide"]
    if height < least:
        raise InvalidValueError(
            f"a figure of {width:.3g} x {height:.3g} inches is not tall enough for all panels: use at least {least:g} "
            "inches at this width, or draw adjacency_change(run, layer), score(run) and overlap(run) separately"
        )
    return narrow


def _learned(run: RunLike, ax: Axes) -> None:
    """Plot the score of a run's task, or else the first metrics that it logged."""
    if run.task is not None:
        score(run, ax)
    else:
        groups = curve_groups(logged(run))
        columns = next(iter(groups.values()), [])
        metrics(run, columns, ax).set_title(plain(next(iter(groups))))


def adjacency_change(run: RunLike, layer: str, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Plot the adjacency of a layer at the first and at the last recorded step, with the same colour scale.

    Parameters
    ----------
    run : Run
        A training run with sparse layers.
    layer : str
        Name of the layer.
    figure : Figure or SubFigure, optional
        Where to draw; default a new figure.

    Returns
    -------
    Figure or SubFigure
        With two axes, or one if the topology never changed.

    Examples
    --------
    >>> figure = adjacency_change(run, "hidden1")
    """
    known_layer(run, layer)
    count = min(len(kept_steps(run)), 2)
    with style_for(figure):
        g = run.history.at(0)[layer]
        # With square cells, a tall layer would leave the sides of a wide panel empty.
        panel = 4.2 * min(1.0, g.n_in / g.n_out) if g.n_out <= MAX_STRETCH * g.n_in else 4.2
        width = max(4.6, 0.7 + (0.4 + panel) * count)
        figure = figure_or_new(figure, width=width, height=5.4, layout="compressed")
        figure.suptitle(plain(layer), fontsize="medium", fontweight="bold")
        draw_pair(run, layer, figure.subplots(1, count, squeeze=False)[0])
    return figure


def degree_change(run: RunLike, layer: str, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Plot the degree distributions of a layer at the first (grey) and at the last recorded step.

    Parameters
    ----------
    run : Run
        A training run with sparse layers.
    layer : str
        Name of the layer.
    figure : Figure or SubFigure, optional
        Where to draw; default a new figure.

    Returns
    -------
    Figure or SubFigure
        With two axes: the fan-in of the outputs, and the fan-out of the inputs.

    Examples
    --------
    >>> figure = degree_change(run, "hidden1")
    """
    first, last = first_and_last(run, layer)
    sides = [("fan-in of outputs", first.fan_in, last.fan_in), ("fan-out of inputs", first.fan_out, last.fan_out)]
    with style_for(figure):
        figure = figure_or_new(figure, width=10.2, height=3.8)
        shape = (2, 1) if _inches(figure)[0] < NARROW else (1, 2)
        for i, (ax, (side, before, after)) in enumerate(zip(np.ravel(figure.subplots(*shape)), sides, strict=True)):
            inks = colours_of(axes_or_new(ax))
            draw_ccdf(ax, before, "first", color=inks.other, marker="s", markersize=5)
            draw_ccdf(ax, after, "last", color=inks.cycle[i], marker="o", markersize=3)
            ax.set_title(f"{plain(layer)}: {side}")
            limit(ax)
            finish(ax)
    return figure


def draw_pair(run: RunLike, layer: str, axes: Sequence[Axes]) -> None:
    """Draw the first adjacency and, on a second axes, the last one, with a common colour scale."""
    meshes = []
    steps = [kept_steps(run)[0], kept_steps(run)[-1]]
    for ax, step, g in zip(axes, steps, first_and_last(run, layer), strict=False):
        meshes.append(draw_adjacency(g, axes_or_new(ax), title=f"step {step:,}"))
    densities = [mesh for mesh in meshes if mesh is not None]
    if densities:
        top = max(mesh.get_clim()[1] for mesh in densities)
        for mesh in densities:
            mesh.set_clim(0, top)
        add_density_bar(densities[0], *axes)
    for ax in axes[1:]:
        ax.set_ylabel("")
