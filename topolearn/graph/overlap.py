"""Overlap between the links that an update removes and those that it regrows (definition 1 of Zhang et al.)."""

import numpy as np

from topolearn.errors import InvalidValueError


def overlap(removed: np.ndarray, regrown: np.ndarray) -> float:
    r"""Return the share of regrown links that had just been removed, :math:`|\hat A \cap A^*| / |A^*|`.

    Parameters
    ----------
    removed, regrown : array of int, shape (k, 2) or (k,)
        Links as rows (input, output), or both as cells, without repetition; percolated links count as removed.

    Returns
    -------
    float
        In [0, 1]; 0 when no link regrew. At theta (the paper: close to 1) and above, the topology is in an
        epitopological local minimum (ELM, definition 1 of Zhang et al.).

    Raises
    ------
    InvalidValueError
        When one has rows and the other cells, or they have another shape.

    Examples
    --------
    >>> import numpy as np
    >>> overlap(np.array([[0, 1], [2, 3]]), np.array([[2, 3], [4, 5]]))
    0.5
    """
    if not len(regrown) or not len(removed):
        return 0.0
    cells = [np.asarray(links) for links in (removed, regrown)]
    if {each.shape[1:] for each in cells} not in ({()}, {(2,)}):
        raise InvalidValueError(
            f"removed has shape {cells[0].shape} and regrown {cells[1].shape}: pass both as rows (input, output) of "
            "shape (k, 2), or both as cells of shape (k,)"
        )
    if cells[0].ndim == 2:
        n = 1 + max(int(links.max()) for links in cells)
        cells = [links @ [n, 1] for links in cells]
    return float(np.isin(cells[1], cells[0], assume_unique=True).mean())
