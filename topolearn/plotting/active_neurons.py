"""The share of active neurons during training."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from topolearn.checks import listed
from topolearn.errors import InvalidValueError
from topolearn.plotting.curves import draw_over, in_words
from topolearn.plotting.drawing.style import axes_or_new, legend, line_styles, percent_ticks, style_for
from topolearn.plotting.run_data import RunLike, check_run

COLUMNS = {"hidden": "active_neurons", "authors": "active_neurons_authors"}


def active_neurons(
    run: RunLike, definitions: str | Sequence[str] = ("hidden", "authors"), ax: Axes | None = None
) -> Axes:
    """Plot the share of active neurons over the training steps.

    Parameters
    ----------
    run : Run
        A run with rows in `run.network`.
    definitions : {"hidden", "authors"}, or a sequence of them
        As for `topolearn.diagnostics.active_neuron_rate`; one line each.
    ax : Axes, optional
        Where to draw; default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidValueError
        For an unknown definition, or a run without a recorded topology.

    Examples
    --------
    >>> ax = active_neurons(run)
    """
    check_run(run)
    definitions = listed(definitions)
    unknown = [name for name in definitions if name not in COLUMNS]
    if unknown or not definitions:
        raise InvalidValueError(f"definitions={definitions} must be among {', '.join(map(repr, COLUMNS))}")
    if run.network.empty:
        raise InvalidValueError(f"run {run.name!r} has no topology recorded yet; continue it")
    with style_for(ax):
        ax = axes_or_new(ax)
        columns = [COLUMNS[name] for name in definitions]
        for column, look in line_styles(columns).items():
            draw_over(ax, run.network, column, "step", label=in_words(column), **look)
        ax.set(title="Active neurons", ylim=(-0.03, 1.03))
        percent_ticks(ax.yaxis)
        if len(columns) > 1:
            legend(ax)
    return ax
