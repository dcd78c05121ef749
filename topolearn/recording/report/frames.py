"""The topology update by update, as small pictures and numbers that a slider goes through."""

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

MOST_PICTURES = 120  # in all; keeps the page below a few megabytes
MOST_FRAMES = 40
PIXELS = 128  # across the longer side of a picture
SHOWN = 320  # pixels across it on the page
LEVELS = 16  # colours, so that four bits a pixel do
COLUMNS = (
    "links", "density", "from the start", "inputs with links", "outputs with links", "largest fan-out",
    "largest fan-in", "overlap",
)  # fmt: skip


def frames(run: ReportedRun, names: Sequence[str]) -> dict[str, Any]:
    """Return what the slider shows, of some layers: for each step a picture and a row of numbers of each layer.

    Returns
    -------
    dict
        ``columns``; ``layers``, with name and size of the pictures; ``frames``, each with ``step``, ``title``,
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
    """Return the local density of a layer, from white (none) to the colour of `top` and more, as PNG in base64."""
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
    """Return an even choice of names, in their order."""
    return [names[i] for i in sorted(evenly(range(len(names)), most))]


def _blocks(g: BipartiteGraph) -> NDArray[np.float64]:
    return local_density(g, -(-g.n_out // PIXELS), -(-g.n_in // PIXELS))[0]


def _size(g: BipartiteGraph) -> dict[str, int]:
    """Return width and height on the page: true to the layer's, up to a stretch."""
    stretch = np.clip(g.n_in / g.n_out, 1 / MAX_STRETCH, MAX_STRETCH)
    return {"width": round(SHOWN * min(1, stretch)), "height": round(SHOWN * min(1, 1 / stretch))}
