"""The topology update by update, as small pictures and numbers that a slider steps through."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from topolearn.graph import BipartiteGraph
from topolearn.plotting.adjacency import DENSITY, MAX_STRETCH, colour_top, local_density
from topolearn.plotting.run_data import evenly
from topolearn.recording.report.snapshot import ReportedRun
from topolearn.recording.report.words import kept_share, share

MOST_PICTURES = 120  # in total; keeps the page below a few megabytes
MOST_FRAMES = 40
PIXELS = 128  # of the longer side of a picture
SHOWN = 320  # CSS pixels of the longer side on the page
LEVELS = 16  # colours, so that four bits per pixel are enough
COLUMNS = (
    "links", "density", "kept from the start", "inputs with links", "outputs with links", "maximum fan-out",
    "maximum fan-in", "overlap",
)  # fmt: skip


def frames(run: ReportedRun, names: Sequence[str]) -> dict[str, Any]:
    """Return the data of the slider for some layers: a picture and a row of numbers per step and layer.

    Returns
    -------
    dict
        ``columns``; ``layers``, with the name and picture size of each; ``frames``, each with ``step``, ``title``,
        ``pictures`` (PNG, base64) and ``rows``, in the order of the layers.
    """
    steps = run.history.graph_steps
    wanted = evenly(steps, min(MOST_FRAMES, max(2, MOST_PICTURES // len(names))))
    kept = [(step, {name: graphs[name] for name in names}) for step, graphs in run.history.replay() if step in wanted]
    first = kept[0][1]
    tops = {name: max(colour_top(_blocks(graphs[name])) for _, graphs in kept) for name in names}
    table = run.history.updates
    overlaps = table.set_index(["step", "layer"])["overlap"].to_dict()
    place = {step: i for i, step in enumerate([run.history.graph_steps[0], *table["step"].unique()])}
    return {
        "columns": COLUMNS,
        "layers": [{"name": name, **_size(first[name])} for name in names],
        "frames": [
            {
                "step": step,
                "title": f"step {step:,}" + (f", after update {place[step]:,}" if place.get(step) else ""),
                "pictures": [picture(graphs[name], tops[name]) for name in names],
                "rows": [row(graphs[name], first[name], overlaps.get((step, name))) for name in names],
            }
            for step, graphs in kept
        ],
    }


def picture(g: BipartiteGraph, top: float) -> str:
    """Return the local density of a layer as PNG in base64, from white (0) to the colour of `top` or more."""
    levels = np.ceil(np.clip(_blocks(g) / top, 0, 1) * (LEVELS - 1)).astype(np.uint8)
    drawn = Image.fromarray(levels)
    drawn.putpalette((255 * DENSITY(np.linspace(0, 1, LEVELS))[:, :3]).round().astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    drawn.save(buffer, format="PNG", bits=4, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def row(g: BipartiteGraph, first: BipartiteGraph, overlap: float | None) -> list[str]:
    """Return the numbers of a layer, in the order of `COLUMNS`."""
    return [
        f"{g.n_links:,}",
        share(g.density),
        share(kept_share(first, g)),
        share((g.fan_out > 0).mean()),
        share((g.fan_in > 0).mean()),
        f"{g.fan_out.max():,}",
        f"{g.fan_in.max():,}",
        share(overlap),
    ]


def chosen(names: Sequence[str], most: int) -> list[str]:
    """Return up to ``most`` evenly spaced names, in order."""
    return [names[i] for i in sorted(evenly(range(len(names)), most))]


def _blocks(g: BipartiteGraph) -> NDArray[np.float64]:
    return local_density(g, -(-g.n_out // PIXELS), -(-g.n_in // PIXELS))[0]


def _size(g: BipartiteGraph) -> dict[str, int]:
    """Return width and height on the page, with the layer's aspect ratio up to a limit."""
    stretch = np.clip(g.n_in / g.n_out, 1 / MAX_STRETCH, MAX_STRETCH)
    return {"width": round(SHOWN * min(1, stretch)), "height": round(SHOWN * min(1, 1 / stretch))}
