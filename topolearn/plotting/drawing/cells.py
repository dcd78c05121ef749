"""Images of cells of which none is lost where several share a pixel."""

from copy import copy
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage
from numpy.typing import NDArray


class CellImage(AxesImage):
    """The links of an adjacency, one cell each; if a pixel covers several cells, it is dark if one of them is a link.

    Matplotlib would draw one cell for each pixel and leave out the others. How many pixels there are is known only when
    a figure is drawn: a layout shrinks the axes, and a file may have another resolution.
    """

    def __init__(self, ax: Axes, links: NDArray[np.bool_], cmap: Colormap) -> None:
        n_out, n_in = links.shape
        super().__init__(ax, cmap=cmap, interpolation="nearest", extent=(-0.5, n_in - 0.5, n_out - 0.5, -0.5))
        self.set_data(links)
        self.set_clim(0, 1)
        self.set_clip_path(ax.patch)
        ax.add_image(self)

    def make_image(self, renderer: RendererBase, magnification: float = 1.0, unsampled: bool = False) -> Any:
        """Return the pixels, as `matplotlib.image.AxesImage.make_image` does."""
        box, links = self.get_window_extent(renderer), np.asarray(self.get_array(), dtype=bool)
        shown = copy(self)
        shown.stale_callback = None
        shown.set_data(pooled(links, magnification * box.height, magnification * box.width))
        return AxesImage.make_image(shown, renderer, magnification, unsampled)


def pooled(links: NDArray[np.bool_], height: float, width: float) -> NDArray[np.bool_]:
    """Return an adjacency with at most one row and one column for each pixel; a link stays wherever there was one.

    Examples
    --------
    >>> pooled(np.eye(4, dtype=bool), 2, 4).astype(int)
    array([[1, 1, 0, 0],
           [0, 0, 1, 1]])
    """
    for axis, pixels in ((0, height), (1, width)):
        size, most = links.shape[axis], max(1, int(pixels + 1e-6))
        if most < size:
            links = np.logical_or.reduceat(links, -(-np.arange(most) * size // most), axis=axis)
    return links
