"""The report of a run: one HTML file that a person can read without anything else."""

import base64
import functools
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jinja2
import numpy as np
import pandas as pd

from topolearn import plotting
from topolearn.errors import InvalidValueError
from topolearn.evolution.table import METHODS
from topolearn.graph import BipartiteGraph
from topolearn.graph.files import written_aside
from topolearn.plotting.run_data import HistoryLike, RunLike
from topolearn.plotting.style import percent

DPI = 200  # twice the size at which a picture is shown
MOST_LAYERS = 8  # layers with pictures of their own; keeps the file below a few megabytes
THETA = 0.9  # overlap from which on a layer is in the ELM


class ReportedRun(RunLike, Protocol):
    """A run with what the report says beside the pictures."""

    @property
    def path(self) -> Path:
        """Directory of the run."""

    @property
    def config(self) -> Any:
        """Every setting of the run."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """Its results."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Versions and machine."""


class Snapshot:
    """A run read once: every picture asks for its tables and graphs, which are files."""

    def __init__(self, run: ReportedRun) -> None:
        self.path, self.name, self.config = run.path, run.name, run.config
        self.summary, self.environment = run.summary, run.environment
        self.metrics, self.layers = run.metrics, run.layers
        self.history = HistorySnapshot(run.history)


class HistorySnapshot:
    """The topology over time, read once."""

    def __init__(self, history: HistoryLike) -> None:
        self.steps, self.updates = history.steps, history.updates
        self.at = functools.cache(history.at)


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


def write_report(run: ReportedRun, *, compare: Sequence[ReportedRun] = (), path: str | Path | None = None) -> Path:
    """Write the report of a run, and its pictures as PNG files into ``run.path / "figures"``.

    Parameters
    ----------
    run : Run
        A run with at least one finished epoch.
    compare : sequence of Run
        Runs to show beside it, for example the dense one.
    path : path, optional
        The HTML file; ``run.path / "report.html"`` without it.

    Returns
    -------
    Path
        The file: self-contained, nothing in it is loaded from elsewhere.

    Raises
    ------
    InvalidValueError
        When one of the runs has no finished epoch.

    Examples
    --------
    >>> write_report(tl.Run("runs/chts"), compare=[tl.Run("runs/dense")])  # doctest: +SKIP
    """
    for each in (run, *compare):
        if each.metrics.empty:
            raise InvalidValueError(
                f"run {each.name!r} has no finished epoch, so there is nothing to report; "
                "let it finish an epoch, or resume it"
            )
    run, *compare = runs = [Snapshot(each) for each in (run, *compare)]
    target = run.path / "report.html" if path is None else Path(path)
    pictures = Pictures(run.path / "figures")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("topolearn.training", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    html = environment.get_template("report.html.j2").render(
        name=run.name,
        sentence=sentence(run, compare),
        comparison=[result_row(each) for each in runs],
        learning=learning(runs, pictures),
        **(topology(run, pictures) if run.history.at(0) else {"layers": []}),
        configuration=flat(run.config.to_dict()),
        environment=run.environment,
    )
    with written_aside(target) as aside:
        aside.write_text(html, encoding="utf-8")
    return target


class Pictures:
    """Saves pictures into a folder as they are drawn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, drawn: Any, name: str, alt: str, caption: str = "") -> Picture:
        """Save what a plotting function returned as `name`.png."""
        figure = getattr(drawn, "figure", None) or drawn
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI)
        (self.folder / f"{name}.png").write_bytes(buffer.getvalue())
        width, height = (figure.get_size_inches() * DPI / 2).round().astype(int)
        return Picture(base64.b64encode(buffer.getvalue()).decode("ascii"), width, height, alt, caption)


def title(run: ReportedRun) -> str:
    """Return the method of a run as its paper writes it."""
    name = str(run.config.method)
    return METHODS[name].title if name in METHODS else name


def share(value: Any) -> str:
    """Write a fraction as a percentage that does not break across lines, or a dash where there is none."""
    return "–" if pd.isna(value) else percent(float(value)).replace(" ", "\N{NO-BREAK SPACE}")


def sentence(run: ReportedRun, compare: Iterable[ReportedRun]) -> str:
    """Return the outcome of a run in one sentence, and a second one if it has not finished."""
    sparse = bool(run.history.at(0))
    links = f"{share(run.metrics['density'].iloc[-1])} of the links" if sparse else "all links"
    text = f"{title(run)} with {links} reached {share(run.summary['best_accuracy'])} on {run.config.dataset}"
    for other in compare:
        text += f", {other.name} ({title(other)}) {share(other.summary['best_accuracy'])}"
        if other.config.dataset != run.config.dataset:
            text += f" on {other.config.dataset}"
    if sparse and not pd.isna(run.summary["active_neurons"]):
        text += f"; {share(run.summary['active_neurons'])} of hidden neurons stayed active"
    if not run.summary["complete"]:
        text += f". The run has not finished: {len(run.metrics)} of {run.config.epochs} epochs are done"
    return f"{text}."


def result_row(run: ReportedRun) -> dict[str, str]:
    """Return the line of a run in the comparison."""
    result = run.summary
    return {
        "run": run.name,
        "method": title(run),
        "density": share(run.metrics["density"].iloc[-1]),
        "best accuracy": f"{100 * result['best_accuracy']:.2f} %",
        "best epoch": f"{result['best_epoch']}",
        "last accuracy": f"{100 * result['last_accuracy']:.2f} %",
        "links": f"{result['n_links']:,}",
        "active neurons": share(result["active_neurons"]),
        "updates": f"{result['n_updates']:,}",
        "seconds": f"{result['seconds']:,.1f}",
    }


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


def topology(run: ReportedRun, pictures: Pictures) -> dict[str, Any]:
    """Draw and describe the topology of a sparse run."""
    first, last = run.history.at(0), run.history.at(run.history.steps[-1])
    names = list(first)
    shown = np.unique(np.linspace(0, len(names) - 1, MOST_LAYERS).round().astype(int))
    pictures.save(plotting.evolution(run), "evolution", "")
    return {
        "layers": [layer_pictures(run, names[i], int(i), last[names[i]], pictures) for i in shown],
        "n_layers": len(names),
        "n_epochs": len(run.metrics),
        "changes": changes(run, first, last),
        "over_time": over_time(run, pictures),
        "layer_table": layer_table(run, last),
    }


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


def changes(run: ReportedRun, first: Mapping[str, BipartiteGraph], last: Mapping[str, BipartiteGraph]) -> list[str]:
    """Say in sentences which layers changed most, and how."""
    if run.history.updates.empty:
        return ["Nothing: the topology was never updated."]
    said = []
    replaced = {
        name: 1 - first[name].to_scipy().multiply(g.to_scipy()).sum() / max(g.n_links, 1) for name, g in last.items()
    }
    name = max(replaced, key=replaced.__getitem__)
    said.append(f"{name} replaced most: {share(replaced[name])} of its last links are not from the start.")
    for side in ("fan_out", "fan_in"):
        peaks = {key: (getattr(first[key], side).max(), getattr(g, side).max()) for key, g in last.items()}
        name = max(peaks, key=lambda key: abs(np.log((peaks[key][1] + 1) / (peaks[key][0] + 1))))
        before, after = peaks[name]
        words = side.replace("_", "-")
        said.append(
            f"The largest {words} moved most in {name}: from {before:,} to {after:,} links."
            if before != after
            else f"The largest {words} is the same as at the start in every layer."
        )
    lost = {key: int((g.degrees == 0).sum() - (first[key].degrees == 0).sum()) for key, g in last.items()}
    name = max(lost, key=lost.__getitem__)
    if lost[name] > 0:
        size = last[name].n_in + last[name].n_out
        said.append(
            f"{name} lost most neurons: {lost[name]:,} more of its {size:,} are without links than at the start."
        )
    updates = run.history.updates
    settled = updates[updates["index"] == updates["index"].max()].set_index("layer")["overlap"].dropna()
    if not settled.empty:
        state = "settled (ELM)" if settled.max() >= THETA else f"not settled, which takes {share(THETA)}"
        said.append(f"{settled.idxmax()} had the highest last overlap, {share(settled.max())}: {state}.")
    return said


def layer_table(run: ReportedRun, last: Mapping[str, BipartiteGraph]) -> list[dict[str, str]]:
    """Return a row for each layer: what it is at the end, and what happened to it."""
    totals = run.history.updates.groupby("layer")[["removed", "percolated", "regrown"]].sum().to_dict("index")
    explored = run.layers.groupby("layer")["itop"].last()
    rows = []
    for name, g in last.items():
        row = {
            "layer": name,
            "inputs": f"{g.n_in:,}",
            "outputs": f"{g.n_out:,}",
            "links": f"{g.n_links:,}",
            "density": share(g.density),
            "inputs with links": share((g.fan_out > 0).mean()),
            "outputs with links": share((g.fan_in > 0).mean()),
        }
        for side in ("fan_in", "fan_out"):
            degrees = getattr(g, side)
            row[f"{side.replace('_', '-')}: min, mean, max"] = (
                f"{degrees.min()}, {degrees.mean():.3g}, {degrees.max():,}"
            )
        for kind in ("removed", "percolated", "regrown"):
            row[f"{kind} in all"] = f"{totals.get(name, {}).get(kind, 0):,}"
        rows.append({**row, "ITOP": share(explored[name])})
    return rows


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level, with dotted names."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
