"""The sentences of a report."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from topolearn.diagnostics import MEASURES
from topolearn.graph import BipartiteGraph
from topolearn.plotting.curves import curve_groups
from topolearn.plotting.exponents import holds
from topolearn.plotting.style import percent
from topolearn.recording.report.snapshot import ReportedRun


def share(value: Any) -> str:
    """Write a fraction as a percentage that does not break across lines, or a dash where there is none."""
    return "–" if pd.isna(value) else percent(float(value)).replace(" ", "\N{NO-BREAK SPACE}")


def number(value: Any) -> str:
    """Write a number with three digits, or a dash where there is none."""
    return "–" if pd.isna(value) else f"{float(value):.3g}"


def kept_share(first: BipartiteGraph, now: BipartiteGraph) -> float:
    """Return the share of the links of a graph that an earlier one has as well."""
    return np.intersect1d(first.cells, now.cells, assume_unique=True).size / max(now.n_links, 1)


def taken_measures(run: ReportedRun) -> list[str]:
    """Return the names of the measures that a run took, in the order of its table."""
    return [name for name in map(str, run.measures) if name in MEASURES]


def sentence(run: ReportedRun, compare: Iterable[ReportedRun]) -> str:
    """Return the outcome of a run in one sentence, and a second one if it has not finished."""
    sparse = bool(run.history.layers)
    links = f"{share(run.network['density'].iloc[-1])} of the links" if sparse else "all links"
    text = f"{run.title} with {links} {outcome(run)}"
    for other in compare:
        if run.task is None or other.task != run.task:
            text += f"; {other.name} ({other.title}) {outcome(other)}"
            continue
        text += f", {other.name} ({other.title}) {reached(other)}"
        if other.config.dataset != run.config.dataset:
            text += f" on {other.config.dataset}"
    if sparse and not pd.isna(run.summary["active_neurons"]):
        text += f"; {share(run.summary['active_neurons'])} of hidden neurons stayed active"
    if not run.summary["complete"]:
        text += f". The run has not finished{progress(run)}"
    return f"{text}."


def reached(run: ReportedRun) -> str:
    """Return the best score of a run of a task."""
    assert run.task is not None
    best = run.summary[run.task.best]
    return share(best) if run.task.metric.is_share else run.task.metric.text(best)


def outcome(run: ReportedRun) -> str:
    """Say what a run reached: its best score, or the last numbers that it logged."""
    if run.task is not None:
        return f"reached {reached(run)} on {run.config.dataset}"
    n_steps = run.summary["n_steps"]
    steps = "took 1 step" if n_steps == 1 else f"took {n_steps:,} steps"
    last = ", ".join(f"{name} {number(value)}" for name, value in last_numbers(run).items())
    return f"{steps}, {last} at the end" if last else steps


def last_numbers(run: ReportedRun, most: int = 3) -> dict[str, float]:
    """Return the last value of the first numbers that a run logged."""
    columns = [name for names in curve_groups(run.metrics).values() for name in names][:most]
    return {name: float(run.metrics[name].dropna().iloc[-1]) for name in columns if run.metrics[name].notna().any()}


def progress(run: ReportedRun) -> str:
    """Say how far a run got, where that is known."""
    if run.task is not None:
        total = getattr(run.config, f"{run.task.clock}s", None)
        return f": {len(run.metrics)} of {total} {run.task.clock}s are done" if total else ""
    total = max((int(each["total_steps"]) for each in run.schedulers.values()), default=None)
    return f": {run.summary['n_steps']:,} of {total:,} steps are done" if total else ""


def odd_numbers(run: ReportedRun) -> list[str]:
    """Say which metrics were logged as NaN or infinite."""
    said = []
    for name, (first, *later) in run.not_finite.items():
        more = f", and {'once' if len(later) == 1 else f'{len(later):,} times'} more later" if later else ""
        said.append(f"{name} was NaN or infinite at step {first:,}{more}.")
    return said


def changes(run: ReportedRun, first: Mapping[str, BipartiteGraph], last: Mapping[str, BipartiteGraph]) -> list[str]:
    """Say in sentences which layers changed most, and how."""
    if run.history.updates.empty:
        return ["Nothing: the topology was never updated."]
    said = []
    replaced = {name: 1 - kept_share(first[name], g) for name, g in last.items()}
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
        theta = run.theta if run.theta is not None else 1.0
        state = "settled (ELM)" if settled.max() >= theta else f"not settled, which takes {share(theta)}"
        said.append(f"{settled.idxmax()} had the highest last overlap, {share(settled.max())}: {state}.")
    return said + measure_changes(run)


def measure_changes(run: ReportedRun) -> list[str]:
    """Say which measure changed most in which layer, relative to its size; nothing where none was taken twice.

    An exponent takes part where the degrees follow a power law at both ends.
    """
    changes: list[tuple[float, str]] = []
    for name in taken_measures(run):
        for layer, rows in run.measures.dropna(subset=[name]).groupby("layer", sort=False):
            before, after = (float(rows[name].iloc[i]) for i in (0, -1))
            change = abs(after - before) / (max(abs(before), abs(after)) or 1)
            if not all(holds(run, name, str(layer), int(rows["step"].iloc[i])) for i in (0, -1)):
                continue
            told = f"from {number(before)} to {number(after)}"
            changes.append((change, f"Of the measures, {MEASURES[name].title} of {layer} changed most: {told}."))
    change, told = max(changes, default=(0.0, ""))
    return [told] if change > 0 else []
