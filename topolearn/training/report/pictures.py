"""The pictures of a report: drawn, saved, and made ready to be embedded."""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import pyplot

from topolearn import plotting
from topolearn.graph import BipartiteGraph
from topolearn.training.report.snapshot import ReportedRun
from topolearn.training.report.words import THETA, share

DPI = 200  # twice the size at which a picture is shown


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
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, drawn: Any, name: str, alt: str, caption: str = "", *, dpi: int = DPI) -> Picture:
        """Save what a plotting function returned as `name`.png."""
        figure = getattr(drawn, "figure", None) or drawn
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi)
        (self.folder / f"{name}.png").write_bytes(buffer.getvalue())
        pyplot.close(figure)
        width, height = (figure.get_size_inches() * DPI / 2).round().astype(int)
        return Picture(base64.b64encode(buffer.getvalue()).decode("ascii"), width, height, alt, caption)


def learning(runs: Sequence[ReportedRun], pictures: Pictures) -> list[Picture]:
    """Draw what was learned."""
    run = runs[0]
    reached = ", ".join(f"{each.name} {share(each.summary['best_accuracy'])}" for each in runs)
    last = run.metrics.iloc[-1]
    losses = f"training {last['train_loss']:.3g}, test {last['test_loss']:.3g} after the last epoch"
    return [
        pictures.save(plotting.accuracy(runs), "accuracy", f"Test accuracy by epoch; best: {reached}."),
        pictures.save(plotting.loss(run), "loss", f"Loss of {run.name} by epoch: {losses}."),
    ]


def layer_pictures(run: ReportedRun, name: str, place: int, last: BipartiteGraph, pictures: Pictures) -> LayerPictures:
    """Draw one layer, first and last."""
    # The place keeps two names apart that differ only in characters a file name cannot have.
    file = f"{place + 1:02}-{re.sub(r'[^A-Za-z0-9._-]+', '_', name)}"
    alt = f"{name}: {last.n_links:,} links from {last.n_in:,} inputs to {last.n_out:,} outputs at the end"
    peaks = f"the largest fan-in is {last.fan_in.max()}, the largest fan-out {last.fan_out.max()}"
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
    drawn = []
    updates = run.history.updates
    if not updates.empty:
        overlaps = updates.groupby("step")["overlap"].mean()
        ends = f"{share(overlaps.iloc[0])} at the first update, {share(overlaps.iloc[-1])} at the last"
        moved = f"{updates['regrown'].sum():,} links regrown in {len(overlaps):,} updates"
        drawn = [
            pictures.save(
                plotting.overlap(run, theta=THETA), "overlap", f"Overlap at each update: on average {ends}.",
                "From the dashed line on, an update mostly undoes itself: the topology has settled (ELM).",
            ),
            pictures.save(
                plotting.link_flow(run), "link-flow", f"Links lost and gained at each update; {moved}.",
                "Percolated links led to or from neurons that had become inactive.",
            ),
        ]  # fmt: skip
    active = plotting.metrics(run, ["active_neurons", "active_neurons_authors"])
    with plotting.style():
        active.set(title="Active neurons", ylim=(-0.03, 1.03))
    rates = run.metrics["active_neurons"]
    ends = f"{share(rates.iloc[0])} to {share(rates.iloc[-1])}"
    explored = run.layers.groupby("layer", sort=False)["itop"].last()
    itop = ", ".join(f"{name!s} {share(rate)}" for name, rate in explored.items())
    return [
        *drawn,
        pictures.save(
            active, "active-neurons", f"Active hidden neurons by epoch: from {ends}.",
            "A hidden neuron is active when it has links on both sides.",
        ),
        pictures.save(
            plotting.layer_metric(run, "itop"), "itop", f"Share of possible links ever explored: {itop}.",
            "In-time over-parameterisation: the share of all possible links that existed at some time.",
        ),
    ]  # fmt: skip
