"""The adjacency of a layer through training, as a moving picture."""

from pathlib import Path

from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from topolearn.errors import InvalidValueError
from topolearn.plotting.adjacency import draw_adjacency
from topolearn.plotting.order import ORDERS
from topolearn.plotting.run_data import RunLike, evenly, kept_steps, known_layer
from topolearn.plotting.style import style


def animate(run: RunLike, layer: str, *, order: str | None = None, most: int = 100) -> FuncAnimation:
    """Return the adjacency of a layer through training, a frame for each update.

    Parameters
    ----------
    run : Run
        A training run whose graphs were kept.
    layer : str
        Name of the layer.
    order : {"degree", "community"}, optional
        Order of the neurons: that of the last frame, in all frames, so that what it became is seen to grow.
    most : int
        Number of frames, 2 or more; of more updates an even choice is shown.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Show it in a notebook with ``HTML(movie.to_jshtml())``, or save it with `save_animation`.

    Raises
    ------
    InvalidValueError
        When there is no such layer, no graph was kept, or `most` is below 2.

    Examples
    --------
    >>> import tempfile
    >>> movie = animate(run, "hidden1", order="degree")
    >>> save_animation(movie, f"{tempfile.mkdtemp()}/hidden1.gif").name
    'hidden1.gif'
    """
    known_layer(run, layer)
    if most < 2:
        raise InvalidValueError(f"most={most} must be at least 2: the first frame and the last")
    shown, graphs = [], []
    wanted = evenly(kept_steps(run), most)
    for step, now in run.history.replay():
        if step in wanted:
            shown.append(step)
            graphs.append(now[layer])
    if order is not None:
        inputs, outputs = ORDERS[order](graphs[-1])
        graphs = [type(g)(g.to_scipy()[outputs][:, inputs]) for g in graphs]
    with style():
        figure = Figure(figsize=(5.0, 5.2))
        ax = figure.subplots()

        def draw(frame: int) -> list[Artist]:
            ax.clear()
            draw_adjacency(graphs[frame], ax, title=f"{layer}, step {shown[frame]:,}")
            return []

        return FuncAnimation(figure, draw, frames=len(shown), interval=200, blit=False)


def save_animation(movie: FuncAnimation, path: str | Path, *, frames_per_second: int = 5) -> Path:
    """Write a moving picture as an animated GIF.

    Raises
    ------
    InvalidValueError
        When the path does not end with .gif.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise InvalidValueError(f"{path.name!r} must end with .gif")
    with style():
        movie.save(str(path), writer=PillowWriter(fps=frames_per_second))
    return path
