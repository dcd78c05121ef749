"""The number of links of a layer, computed from its density."""

from topolearn.checks import check_share, check_size
from topolearn.errors import InvalidValueError


def link_count(n_in: int, n_out: int, density: float) -> int:
    """Return the number of links of a layer, ``round(density * n_in * n_out)``.

    Parameters
    ----------
    n_in, n_out : int
        Numbers of input and output neurons.
    density : float
        Share of the cells that are links, in (0, 1].

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For invalid sizes, 2**63 cells or more, a density outside (0, 1], or one that leaves no link.

    Examples
    --------
    >>> link_count(784, 1568, 0.01)
    12293
    """
    n_cells = _n_neurons("n_in", n_in) * _n_neurons("n_out", n_out)
    if n_cells >= 2**63:
        raise InvalidValueError(f"n_in={n_in}, n_out={n_out}: n_in * n_out must be less than 2**63")
    if check_share("density", density) == 0:
        raise InvalidValueError("density=0 leaves no link: use a density in (0, 1]")
    n_links = round(float(density) * n_cells)
    if n_links == 0:
        raise InvalidValueError(
            f"density={density} leaves no link in a layer of {n_in} x {n_out} neurons: "
            f"use at least {1 / n_cells:.3g}, which gives one link"
        )
    return n_links


def _n_neurons(name: str, value: int) -> int:
    try:
        return check_size(name, value)
    except InvalidValueError as error:
        raise InvalidValueError(f"{error}: a layer needs neurons on both sides") from None
