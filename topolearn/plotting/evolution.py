"""What became of the topology: the first and the last graph side by side, and a run in one picture."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from topolearn.plotting.active_neurons import active_neurons
from topolearn.plotting.adjacency import MAX_STRETCH, add_density_bar, draw_adjacency
from topolearn.plotting.curves import curve_groups, metrics, score
from topolearn.plotting.degrees import FAN_IN, FAN_OUT, draw_ccdf, finish
from topolearn.plotting.run_data import RunLike, first_and_last, kept_steps, known_layer, layer_names, logged
from topolearn.plotting.style import plain, style
from topolearn.plotting.updates import overlap

MOST_LAYERS = 3
EARLIER = "#9A9A9A"


def evolution(run: RunLike, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Draw a run in one picture: its topology first and last, what it learned, and how both got there.

    Parameters
    ----------
    run : Run
        A run with sparse layers that has logged something.
    figure : Figure or SubFigure, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Figure or SubFigure
        Above, the first and the last adjacency of up to three layers (the first, the middle and the
        last one); below, the score of its task or the first numbers that it logged, overlap and active
        neurons. A topology that never changed is drawn once and has no overlap.

    Examples
    --------
    >>> figure = evolution(run)
    >>> figure.savefig(run.path / "evolution.png")
    """
    names = layer_names(run)
    logged(run)
    shown = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, MOST_LAYERS).round().astype(int))]
    changes = len(kept_steps(run)) > 1
    with style():
        figure = figure_or_new(figure, width=13.0, height=7.6)
        above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=(1.1, 1.0), hspace=0.04)))
        pictures = np.ravel(np.asarray(above.subfigures(1, len(shown), squeeze=False)))
        for name, picture in zip(shown, pictures, strict=True):
            picture.suptitle(plain(name), fontsize="medium", fontweight="bold")
            draw_pair(run, name, picture.subplots(1, 2 if changes else 1, squeeze=False)[0])
        panels = list(below.subplots(1, 3 if changes else 2))
        _learned(run, panels.pop(0))
        if changes:
            overlap(run, panels.pop(0))
        active_neurons(run, ["hidden"], panels[0])
        panels[0].set(title="Active hidden neurons", ylabel="linked on both sides")
        some = f", {len(shown)} of {len(names)} layers" if len(shown) < len(names) else ""
        figure.suptitle(f"{plain(run.name)}{some}")
    return figure


def _learned(run: RunLike, ax: Axes) -> None:
    """Draw the score of a run's task, or else the first numbers that it logged."""
    if run.task is not None:
        score(run, ax)
    else:
        groups = curve_groups(logged(run))
        columns = next(iter(groups.values()), [])
        metrics(run, columns, ax).set_title(plain(next(iter(groups))))


def adjacency_change(run: RunLike, layer: str, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Draw the adjacency of a layer at the first and at the last recorded step, in the same colours.

    Parameters
    ----------
    run : Run
        A training run with sparse layers.
    layer : str
        Name of the layer.
    figure : Figure or SubFigure, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Figure or SubFigure
        With two axes, or one when the topology never changed.

    Examples
    --------
    >>> figure = adjacency_change(run, "hidden1")
    """
    known_layer(run, layer)
    count = min(len(kept_steps(run)), 2)
    with style():
        g = run.history.at(0)[layer]
        # Square cells leave the sides of a wide panel empty when the layer is tall.
        panel = 4.2 * min(1.0, g.n_in / g.n_out) if g.n_out <= MAX_STRETCH * g.n_in else 4.2
        width = max(4.6, 0.7 + (0.4 + panel) * count)
        figure = figure_or_new(figure, width=width, height=5.4, layout="compressed")
        figure.suptitle(plain(layer), fontsize="medium", fontweight="bold")
        draw_pair(run, layer, figure.subplots(1, count, squeeze=False)[0])
    return figure


def degree_change(run: RunLike, layer: str, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Draw the degree distributions of a layer at the first (grey) and at the last recorded step.

    Parameters
    ----------
    run : Run
        A training run with sparse layers.
    layer : str
        Name of the layer.
    figure : Figure or SubFigure, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Figure or SubFigure
        With two axes: the fan-in of the outputs, and the fan-out of the inputs.

    Examples
    --------
    >>> figure = degree_change(run, "hidden1")
    """
    first, last = first_and_last(run, layer)
    sides = [
        ("fan-in of outputs", first.fan_in, last.fan_in, FAN_IN),
        ("fan-out of inputs", first.fan_out, last.fan_out, FAN_OUT),
    ]
    with style():
        figure = figure_or_new(figure, width=10.2, height=3.4)
        for ax, (side, before, after, colour) in zip(figure.subplots(1, 2), sides, strict=True):
            draw_ccdf(ax, before, "first", color=EARLIER, marker="s", markersize=5)
            draw_ccdf(ax, after, "last", color=colour, marker="o", markersize=3)
            ax.set_title(f"{plain(layer)}: {side}")
            finish(ax)
    return figure


def draw_pair(run: RunLike, layer: str, axes: Sequence[Axes]) -> None:
    """Draw the first and, on a second axes, the last adjacency; one colour scale serves both."""
    meshes = []
    steps = [kept_steps(run)[0], kept_steps(run)[-1]]
    for ax, step, g in zip(axes, steps, first_and_last(run, layer), strict=False):
        meshes.append(draw_adjacency(g, ax, title=f"step {step:,}"))
    densities = [mesh for mesh in meshes if mesh is not None]
    if densities:
        top = max(mesh.get_clim()[1] for mesh in densities)
        for mesh in densities:
            mesh.set_clim(0, top)
        add_density_bar(densities[0], *axes)
    for ax in axes[1:]:
        ax.set_ylabel("")


def figure_or_new(
    figure: Figure | SubFigure | None,
    *,
    width: float,
    height: float,
    layout: Literal["constrained", "compressed"] = "constrained",
) -> Figure | SubFigure:
    """Return `figure`, or a new one of pyplot, which notebooks show by themselves."""
    return pyplot.figure(figsize=(width, height), layout=layout) if figure is None else figure
