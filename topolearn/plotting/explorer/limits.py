"""How large a graph the page can draw while a person moves the mouse, and what a larger one is answered."""

from topolearn.errors import InvalidValueError

MOST_LINKS = 200_000  # at a time, of all layers: twice as many as are drawn at 30 pictures a second on two slow cores
MOST_NEURONS = 2_000_000
MOST_LAYERS = 16  # whose columns still have room for links between them
MOST_FRAMES = 40  # updates on the slider
MOST_LIVES = 1_500_000  # that the page may hold: a few megabytes


def most_frames(n_links: int) -> int:
    """Return how many updates a slider may go through, if so many links are there at a time.

    Examples
    --------
    >>> most_frames(1000), most_frames(100_000)
    (40, 15)
    """
    return max(2, min(MOST_FRAMES, MOST_LIVES // max(n_links, 1)))


def has_room(n_links: int) -> bool:
    """Return whether so many links at a time can be drawn."""
    return n_links <= MOST_LINKS


def check_size(n_links: int, n_neurons: int, n_layers: int, cure: str) -> None:
    """Refuse what is too large to be drawn while one looks at it.

    Parameters
    ----------
    n_links, n_neurons, n_layers : int
        Links at a time, neurons, and layers.
    cure : str
        What to do instead, for the message.

    Raises
    ------
    InvalidValueError

    Examples
    --------
    >>> check_size(10**7, 100, 1, "pass fewer")
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: there are 10,000,000 links, and the explorer draws up to 200,000: pass fewer
    """
    numbers = ((n_links, MOST_LINKS, "links"), (n_neurons, MOST_NEURONS, "neurons"), (n_layers, MOST_LAYERS, "layers"))
    for n, most, what in numbers:
        if n > most:
            raise InvalidValueError(f"there are {n:,} {what}, and the explorer draws up to {most:,}: {cure}")
