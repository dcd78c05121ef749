"""The largest graphs that the page can draw interactively, and the error for larger ones."""

from topolearn.errors import InvalidValueError

MOST_LINKS = 200_000  # at a time, in all layers: twice as many as two slow cores draw at 30 frames per second
MOST_NEURONS = 2_000_000
MOST_LAYERS = 16  # more columns would leave no room for links between them
MOST_FRAMES = 40  # updates on the slider
MOST_LIVES = 1_500_000  # in one page: a few megabytes


def most_frames(n_links: int) -> int:
    """Return the maximum number of updates on the slider, given the number of links at a time.

    Examples
    --------
    >>> most_frames(1000), most_frames(100_000)
    (40, 15)
    """
    return max(2, min(MOST_FRAMES, MOST_LIVES // max(n_links, 1)))


def has_room(n_links: int) -> bool:
    """Return whether this many links at a time can be drawn."""
    return n_links <= MOST_LINKS


def check_size(n_links: int, n_neurons: int, n_layers: int, cure: str) -> None:
    """Raise an error for a graph that is too large to be drawn interactively.

    Parameters
    ----------
    n_links, n_neurons, n_layers : int
        The numbers of links at a time, of neurons, and of layers.
    cure : str
        What to do instead, for the message.

    Raises
    ------
    InvalidValueError

    Examples
    --------
    >>> check_size(10**7, 100, 1, "pass fewer")
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: 10,000,000 links are too many for the explorer (limit 200,000): pass fewer
    """
    numbers = ((n_links, MOST_LINKS, "links"), (n_neurons, MOST_NEURONS, "neurons"), (n_layers, MOST_LAYERS, "layers"))
    for n, most, what in numbers:
        if n > most:
            raise InvalidValueError(f"{n:,} {what} are too many for the explorer (limit {most:,}): {cure}")
