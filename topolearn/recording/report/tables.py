"""The tables of a report."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from topolearn.diagnostics import MEASURES
from topolearn.graph import BipartiteGraph
from topolearn.plotting.exponents import fit_at
from topolearn.recording.report.snapshot import ReportedRun
from topolearn.recording.report.words import last_numbers, number, share, taken_measures


def result_row(run: ReportedRun) -> dict[str, str]:
    """Return the row of a run in the comparison."""
    result = run.summary
    return {
        "run": run.name,
        "method": run.title,
        "density": share(run.network["density"].iloc[-1] if len(run.network) else None),
        **_scores(run),
        "links": f"{result['n_links']:,}",
        "active neurons": share(result["active_neurons"]),
        "updates": f"{result['n_updates']:,}",
        "seconds": "–" if pd.isna(result["seconds"]) else f"{result['seconds']:,.1f}",
    }


def comparison(runs: Sequence[ReportedRun]) -> list[dict[str, str]]:
    """Return one row per run, all with the same columns."""
    rows = [result_row(run) for run in runs]
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name, "–") for name in columns} for row in rows]


def _scores(run: ReportedRun) -> dict[str, str]:
    """Return the best and last score of a task's run, or the last numbers that a custom loop logged."""
    if run.task is None:
        return {f"last {name}": number(value) for name, value in last_numbers(run).items()}
    task, result = run.task, run.summary
    words = {name: task.metric.text(result[name]).replace("%", " %") for name in (task.best, task.last)}
    return {
        f"best {task.score}": words[task.best],
        f"best {task.clock}": f"{result[task.best_at]}",
        f"last {task.score}": words[task.last],
    }


def layer_table(run: ReportedRun, last: Mapping[str, BipartiteGraph]) -> list[dict[str, str]]:
    """Return one row per sparse layer with its final state and event counts, then one per dense output layer."""
    table = run.history.updates
    kinds = ["removed", "percolated", *(["decayed"] if table["decayed"].any() else []), "regrown"]
    totals = table.groupby("layer")[kinds].sum().to_dict("index")
    explored = run.layers.groupby("layer")["itop"].last()
    rows = []
    for name, g in last.items():
        row = {
            "layer": f"{name} (output)" if name in run.outputs else name,
            "inputs": f"{g.n_in:,}",
            "outputs": f"{g.n_out:,}",
            "links": f"{g.n_links:,}",
            "density": share(g.density),
            **({"initial weights": run.inits.get(name, "–")} if run.inits else {}),
            "inputs with links": share((g.fan_out > 0).mean()),
            "outputs with links": share((g.fan_in > 0).mean()),
        }
        for side in ("fan_in", "fan_out"):
            degrees = getattr(g, side)
            row[f"{side.replace('_', '-')}: min, mean, max"] = (
                f"{degrees.min()}, {degrees.mean():.3g}, {degrees.max():,}"
            )
        for kind in kinds:
            row[f"{kind} in total"] = f"{totals.get(name, {}).get(kind, 0):,}"
        rows.append({**row, "ITOP": share(explored[name])})
    return rows + [_dense_output(name, *run.outputs[name], list(rows[0])) for name in run.outputs if name not in last]


def _dense_output(name: str, n_out: int, n_in: int, columns: Sequence[str]) -> dict[str, str]:
    known = {
        "layer": f"{name} (output, dense)",
        "inputs": f"{n_in:,}",
        "outputs": f"{n_out:,}",
        "links": f"{n_in * n_out:,}",
        "density": share(1.0),
    }
    return {column: known.get(column, "–") for column in columns}


def measure_table(run: ReportedRun) -> list[dict[str, str]]:
    """Return one row per layer, and one for the network, with every measure at the start and at the end."""
    table = run.measures
    rows = []
    for layer in table["layer"].unique() if len(table) else []:
        mine = table[table["layer"] == layer]
        row = {"layer": str(layer)}
        for name in taken_measures(run):
            first, last = mine[name].iloc[0], mine[name].iloc[-1]
            fit = fit_at(run, name, str(layer), int(mine["step"].iloc[-1]))
            doubt = f" ({fit.verdict})" if fit is not None and fit.is_plausible is False else ""
            known = f"{number(first)} → {number(last)}{doubt}"
            row[MEASURES[name].title] = "" if pd.isna(first) and pd.isna(last) else known
        rows.append(row)
    return rows


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings into one level, with dotted names."""
    dotted: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            dotted |= flat(value, f"{prefix}{key}.")
        else:
            dotted[f"{prefix}{key}"] = value
    return dotted
