"""Animations of the adjacency of a layer during training."""

from pathlib import Path

from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError, MissingPackageError
from topolearn.files import written_aside
from topolearn.plotting.adjacency import add_density_bar, block_shape, colour_top, draw_adjacency, local_density
from topolearn.plotting.drawing.style import axes_or_new, style
from topolearn.plotting.order import ORDERS
from topolearn.plotting.run_data import RunLike, evenly, kept_steps, known_layer


def animate(run: RunLike, layer: str, *, order: str | None = None, most: int = 100) -> FuncAnimation:
    """Animate the adjacency of a layer during training, with one frame per update.

    Parameters
    ----------
    run : Run
        A training run whose graphs were kept.
    layer : str
        Name of the layer.
    order : {"degree", "community"}, optional
        Order of the neurons, computed from the last frame and used in all frames, so that you can watch the final
        structure emerge. Neuron numbers are then not shown.
    most : int
        Maximum number of frames, at least 2; of more updates an even selection is shown.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Show it in a notebook with ``HTML(movie.to_jshtml())``, or save it with `save_animation`.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the layer does not exist, no graphs were kept, or `most` is not an integer of at least 2.

    Examples
    --------
    >>> import tempfile
    >>> movie = animate(run, "hidden1", order="degree")
    >>> save_animation(movie, f"{tempfile.mkdtemp()}/hidden1.gif").name
    'hidden1.gif'
    """
    known_layer(run, layer)
    check_size("most", most, least=2)
    shown, graphs = [], []
    wanted = evenly(kept_steps(run), most)
    for step, now in run.history.replay():
        if step in wanted:
            shown.append(step)
            graphs.append(now[layer])
    if order is not None:
        inputs, outputs = ORDERS[order](graphs[-1])
        graphs = [type(g)(g.to_scipy()[outputs][:, inputs]) for g in graphs]
    ordered_by = None if order is None else f"by {order} in the last frame"
    with style():
        figure = Figure(figsize=(5.0, 5.2))
        ax = axes_or_new(figure.subplots())
        blocks = block_shape(graphs[0], ax)  # those of all frames, although the layout resizes the axes
        density = draw_adjacency(graphs[0], ax, blocks=blocks)
        top = 1.0
        if density is not None:  # the same colour scale in all frames
            top = max(colour_top(local_density(g, *blocks)[0]) for g in graphs)
            density.set_clim(0, top)
            add_density_bar(density, ax)

        def draw(frame: int) -> list[Artist]:
            ax.clear()
            with style():
                title = f"{layer}, step {shown[frame]:,}"
                mesh = draw_adjacency(graphs[frame], ax, title=title, ordered_by=ordered_by, blocks=blocks)
            if mesh is not None:
                mesh.set_clim(0, top)
            return []

        return FuncAnimation(figure, draw, frames=len(shown), interval=200, blit=False)


def save_animation(movie: FuncAnimation, path: str | Path, *, frames_per_second: int = 5) -> Path:
    """Save an animation as a GIF, or as an MP4 if ffmpeg is installed.

    Parameters
    ----------
    movie : matplotlib.animation.FuncAnimation
        The result of `animate`.
    path : str or Path
        Must end with .gif or .mp4.
    frames_per_second : int
        The frame rate.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the path has another suffix or is a directory, or the frame rate is not an integer of at least 1.
    MissingFileError
        When the directory of the path does not exist.
    MissingPackageError
        For .mp4 without ffmpeg.

    Examples
    --------
    >>> import tempfile
    >>> save_animation(animate(run, "hidden1"), f"{tempfile.mkdtemp()}/hidden1.gif", frames_per_second=10).name
    'hidden1.gif'
    """
    path = Path(path)
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise InvalidValueError(f"{path.name!r} must end with .gif or .mp4")
    check_size("frames_per_second", frames_per_second)
    writer: AbstractMovieWriter = PillowWriter(fps=frames_per_second)
    if path.suffix.lower() == ".mp4":
        if not FFMpegWriter.isAvailable():
            raise MissingPackageError(
                f"{path.name!r} needs ffmpeg, which is not installed: install it with apt-get install ffmpeg or "
                "conda install ffmpeg, or save a .gif"
            )
        # Many players require this pixel format.
        writer = FFMpegWriter(fps=frames_per_second, codec="h264", extra_args=["-pix_fmt", "yuv420p"])
    with style(), written_aside(path) as aside:
        movie.save(str(aside), writer=writer)
    return path
