"""The sentences of a report."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from topolearn.diagnostics import MEASURES
from topolearn.graph import BipartiteGraph
from topolearn.plotting.curves import curve_groups
from topolearn.plotting.drawing.style import percent
from topolearn.plotting.exponents import holds
from topolearn.recording.report.snapshot import ReportedRun


def share(value: Any) -> str:
    """Format a fraction as a percentage with a no-break space, or a dash if it is missing."""
    return "–" if pd.isna(value) else percent(float(value)).replace(" ", "\N{NO-BREAK SPACE}")


def number(value: Any) -> str:
    """Format a number with three significant digits, or a dash if it is missing."""
    return "–" if pd.isna(value) else f"{float(value):.3g}"


def kept_share(first: BipartiteGraph, now: BipartiteGraph) -> float:
    """Return the share of the links of a graph that an earlier graph already had."""
    return np.intersect1d(first.cells, now.cells, assume_unique=True).size / max(now.n_links, 1)


def taken_measures(run: ReportedRun) -> list[str]:
    """Return the names of the measures that a run took and that had a value, in table order."""
    return [name for name in map(str, run.measures) if name in MEASURES and run.measures[name].notna().any()]


def has_hidden(run: ReportedRun) -> bool:
    """Return whether a sparse layer writes to hidden neurons; output layers do not."""
    return not run.outputs.keys() >= set(run.history.layers)


def sentence(run: ReportedRun, compare: Sequence[ReportedRun]) -> str:
    """Return the outcome of a run in one sentence, and a second one if it has not finished."""
    sparse = bool(run.history.layers)
    links = f"{share(run.network['density'].iloc[-1])} of the links" if sparse else "all links"
    text = f"{run.title} with {links} {outcome(run)}"
    if sparse and has_hidden(run) and not pd.isna(run.summary["active_neurons"]):
        text += f" ({share(run.summary['active_neurons'])} of hidden neurons stayed active)"
    same = [other for other in compare if run.task is not None and other.task == run.task]
    if same:
        text += f", compared with {', '.join(_other_score(run, other) for other in same)}"
    for other in compare:
        if run.task is None or other.task != run.task:
            text += f"; {other.name} ({other.title}) {outcome(other)}"
    if not run.summary["complete"]:
        text += f". The run has not finished{progress(run)}"
    return f"{text}."


def _other_score(run: ReportedRun, other: ReportedRun) -> str:
    """Return the score of another run of the same task, with its dataset if that is another one."""
    dataset = f" on {other.config.dataset}" if other.config.dataset != run.config.dataset else ""
    return f"{reached(other)}{dataset} for {other.name} ({other.title})"


def reached(run: ReportedRun) -> str:
    """Return the best score of a task's run."""
    assert run.task is not None
    best = run.summary[run.task.best]
    return share(best) if run.task.metric.is_share else run.task.metric.text(best)


def outcome(run: ReportedRun) -> str:
    """Describe the result of a run: its best score, or the last numbers that it logged."""
    if run.task is not None:
        return f"reached {reached(run)} on {run.config.dataset}"
    n_steps = run.summary["n_steps"]
    steps = "ran for 1 step" if n_steps == 1 else f"ran for {n_steps:,} steps"
    last = ", ".join(f"{name} {number(value)}" for name, value in last_numbers(run).items())
    return f"{steps} and ended with {last}" if last else steps


def last_numbers(run: ReportedRun, most: int = 3) -> dict[str, float]:
    """Return the last values of the first ``most`` columns that a run logged."""
    columns = [name for names in curve_groups(run.metrics).values() for name in names][:most]
    return {name: float(run.metrics[name].dropna().iloc[-1]) for name in columns if run.metrics[name].notna().any()}


def progress(run: ReportedRun) -> str:
    """Describe how far a run got, or return an empty string if that is unknown."""
    if run.task is not None:
        total = getattr(run.config, f"{run.task.clock}s", None)
        return f": {run.task.progress(run.metrics)} of {total} {run.task.clock}s are done" if total else ""
    total = max((int(each["total_steps"]) for each in run.schedulers.values()), default=None)
    return f": {run.summary['n_steps']:,} of {total:,} steps are done" if total else ""


def odd_numbers(run: ReportedRun) -> list[str]:
    """Describe which metrics were logged as NaN or infinite."""
    said = []
    for name, (first, *later) in run.not_finite.items():
        more = f", and {'once more' if len(later) == 1 else f'{len(later):,} more times'} later" if later else ""
        said.append(f"{name} was NaN or infinite at step {first:,}{more}.")
    return said


def changes(run: ReportedRun, first: Mapping[str, BipartiteGraph], last: Mapping[str, BipartiteGraph]) -> list[str]:
    """Describe in sentences which layers changed most, and how."""
    if run.history.updates.empty:
        return ["Nothing: the topology was never updated."]
    said = []
    replaced = {name: 1 - kept_share(first[name], g) for name, g in last.items()}
    name = max(replaced, key=replaced.__getitem__)
    if replaced[name] > 0:
        new = f"{share(replaced[name])} of its links at the end did not exist at the start"
        said.append(f"{name} replaced the most links: {new}.")
    for side in ("fan_out", "fan_in"):
        peaks = {key: (getattr(first[key], side).max(), getattr(g, side).max()) for key, g in last.items()}
        name = max(peaks, key=lambda key: abs(np.log((peaks[key][1] + 1) / (peaks[key][0] + 1))))
        before, after = peaks[name]
        words = side.replace("_", "-")
        said.append(
            f"The maximum {words} changed most in {name}: from {before:,} to {after:,} links."
            if before != after
            else f"The maximum {words} is the same as at the start in every layer."
        )
    lost = {key: int((g.degrees == 0).sum() - (first[key].degrees == 0).sum()) for key, g in last.items()}
    name = max(lost, key=lost.__getitem__)
    if lost[name] > 0:
        size = last[name].n_in + last[name].n_out
        said.append(
            f"{name} lost the most neurons: {lost[name]:,} more of its {size:,} {'has' if lost[name] == 1 else 'have'} "
            "no links than at the start."
        )
    updates = run.history.updates
    latest = updates[(updates["index"] == updates["index"].max()) & (updates["regrown"] > 0)]
    settled = latest.set_index("layer")["overlap"].dropna()
    if not settled.empty:
        theta = run.theta if run.theta is not None else 1.0
        state = "has settled (ELM)" if settled.max() >= theta else f"has not settled, which requires {share(theta)}"
        said.append(
            f"{settled.idxmax()} had the highest overlap at the last update, {share(settled.max())}: it {state}."
        )
    return said + measure_changes(run)


def measure_changes(run: ReportedRun) -> list[str]:
    """Describe the largest relative change of any measure in any layer, if there was one.

    Power-law exponents count only if the degrees follow a power law at both the start and the end.
    """
    changes: list[tuple[float, str]] = []
    for name in taken_measures(run):
        for layer, rows in run.measures.dropna(subset=[name]).groupby("layer", sort=False):
            before, after = (float(rows[name].iloc[i]) for i in (0, -1))
            change = abs(after - before) / (max(abs(before), abs(after)) or 1)
            if not all(holds(run, name, str(layer), int(rows["step"].iloc[i])) for i in (0, -1)):
                continue
            values = f"from {number(before)} to {number(after)}"
            changes.append((change, f"Of the measures, {MEASURES[name].title} of {layer} changed most: {values}."))
    change, words = max(changes, default=(0.0, ""))
    return [words] if change > 0 else []
