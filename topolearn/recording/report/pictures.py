"""The pictures of a report: drawn, saved, and encoded for embedding."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.figure import Figure

from topolearn import plotting
from topolearn.graph import BipartiteGraph
from topolearn.plotting.curves import SPLIT, curve_groups, in_words
from topolearn.plotting.drawing.fitting import png
from topolearn.plotting.drawing.style import plain
from topolearn.recording.report.snapshot import ReportedRun
from topolearn.recording.report.words import has_hidden, reached, share

DPI = 200  # twice the size at which a picture is shown
COMPRESSION = 3  # of zlib: files are a tenth larger than at level 6, in half the time
MOST_CURVES = 8  # for a custom loop, which may log many metrics


@dataclass(frozen=True)
class Picture:
    """A drawn picture, ready to be embedded."""

    base64: str
    width: int
    height: int
    alt: str
    caption: str


@dataclass(frozen=True)
class LayerPictures:
    """The pictures of one layer."""

    name: str
    adjacency: Picture
    degrees: Picture


class Pictures:
    """Saves pictures into a folder as they are drawn."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._used = folder, set[str]()
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, drawn: Any, name: str, alt: str, caption: str = "", *, dpi: int = DPI) -> Picture:
        """Save the result of a plotting function as ``name.png``, or ``name-2.png`` if this page has such a file."""
        figure = getattr(drawn, "figure", None) or drawn
        image = rendered(figure, dpi)
        (self.folder / f"{self._free(name)}.png").write_bytes(image)
        pyplot.close(figure)
        width, height = (figure.get_size_inches() * DPI / 2).round().astype(int)
        return Picture(base64.b64encode(image).decode("ascii"), width, height, alt, caption)

    def _free(self, name: str) -> str:
        """Return the name of a file, numbered if it was used before; some systems ignore the case of letters."""
        numbered = (name if i == 1 else f"{name}-{i}" for i in count(1))
        free = next(each for each in numbered if each.lower() not in self._used)
        self._used.add(free.lower())
        return free


def rendered(figure: Figure, dpi: int) -> bytes:
    """Return a figure as a PNG file."""
    return png(figure, dpi, compress_level=COMPRESSION)


def learning(runs: Sequence[ReportedRun], pictures: Pictures) -> list[Picture]:
    """Draw the learning curves: the score of all runs of the first run's task, and other curves of the first run."""
    run = runs[0]
    if run.metrics.empty:
        return []
    if run.task is None:
        return [_curves(run, columns, name, pictures) for name, columns in _first(curve_groups(run.metrics))]
    same = [each for each in runs if each.task == run.task]
    best = ", ".join(f"{each.name} {reached(each)}" for each in same)
    title = run.task.metric.title
    alt = f"{title[:1].upper()}{title[1:]} by {run.task.clock}; best: {best}."
    return [
        pictures.save(plotting.score(same), run.task.score, alt),
        *(_curves(run, columns, _shared(columns), pictures) for columns in run.task.curves),
    ]


def _curves(run: ReportedRun, columns: Sequence[str], name: str, pictures: Pictures) -> Picture:
    """Draw metrics that share a picture."""
    ax = plotting.metrics(run, columns)
    words = in_words(name, run.task)
    with plotting.style():
        ax.set(title=plain(f"{words[:1].upper()}{words[1:]}"), ylabel=plain(words))
    last = run.metrics[list(columns)].ffill().iloc[-1]
    ends = ", ".join(f"{in_words(str(column), run.task)} {value:.3g}" for column, value in last.items())
    return pictures.save(ax, _file_name(name), f"{words[:1].upper()}{words[1:]} of {run.name}; at the end: {ends}.")


def _first(groups: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    """Return the first groups of metrics; a group of one gets its full name."""
    named = [(names[0] if len(names) == 1 else name, names) for name, names in groups.items()]
    return named[:MOST_CURVES]


def _shared(columns: Sequence[str]) -> str:
    """Return the common part of column names, such as "loss"."""
    return SPLIT.sub("", columns[0])


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)


def layer_pictures(run: ReportedRun, name: str, place: int, last: BipartiteGraph, pictures: Pictures) -> LayerPictures:
    """Draw one layer at the start and at the end."""
    # The number distinguishes names that differ only in characters that file names cannot have.
    file = f"{place + 1:02}-{_file_name(name)}"
    alt = f"{name}: {last.n_links:,} links from {last.n_in:,} inputs to {last.n_out:,} outputs at the end"
    peaks = f"the maximum fan-in is {last.fan_in.max():,}, the maximum fan-out {last.fan_out.max():,}"
    return LayerPictures(
        name,
        pictures.save(plotting.adjacency_change(run, name), f"adjacency-{file}", f"Adjacency of {alt}."),
        pictures.save(
            plotting.degree_change(run, name),
            f"degrees-{file}",
            f"Degrees of {name} at the end: {peaks}.",
        ),
    )


def over_time(run: ReportedRun, pictures: Pictures) -> list[Picture]:
    """Draw how the topology changed."""
    drawn: list[Picture] = []
    updates = run.history.updates
    if not updates.empty:
        if updates["regrown"].any():  # without regrown links there is no overlap
            overlaps = updates.groupby("step")["overlap"].mean()
            ends = f"{share(overlaps.iloc[0])} at the first update, {share(overlaps.iloc[-1])} at the last"
            drawn.append(
                pictures.save(
                    plotting.overlap(run),
                    "overlap",
                    f"Overlap at each update; layer average: {ends}.",
                    "Above the dashed line, updates mostly undo themselves: the topology has settled (ELM).",
                )
            )
        moved = f"{updates['regrown'].sum():,} links regrown in {updates['step'].nunique():,} updates"
        drawn.append(
            pictures.save(
                plotting.link_flow(run), "link-flow", f"Links lost and gained at each update; {moved}.",
                "Percolated links were removed because they led to or from inactive neurons.",
            )
        )  # fmt: skip
    if has_hidden(run):
        rates = run.network["active_neurons"]
        ends = f"{share(rates.iloc[0])} to {share(rates.iloc[-1])}"
        drawn.append(
            pictures.save(
                plotting.active_neurons(run), "active-neurons", f"Active hidden neurons: from {ends}.",
                "A hidden neuron is active if it has links on both sides.",
            )
        )  # fmt: skip
    explored = run.layers.groupby("layer", sort=False)["itop"].last()
    itop = ", ".join(f"{name!s} {share(rate)}" for name, rate in explored.items())
    return [
        *drawn,
        pictures.save(
            plotting.layer_metric(run, "itop"), "itop", f"Share of possible links explored so far: {itop}.",
            "In-time over-parameterisation (ITOP): the share of all possible links that have existed at any time.",
        ),
    ]  # fmt: skip
