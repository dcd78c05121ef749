"""The tables of a report."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from topolearn.diagnostics import MEASURES
from topolearn.graph import BipartiteGraph
from topolearn.training.report.snapshot import ReportedRun
from topolearn.training.report.words import number, share, taken_measures, title


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


def measure_table(run: ReportedRun) -> list[dict[str, str]]:
    """Return a row for each layer, and the network, with every measure at the start and at the end."""
    table = run.measures
    rows = []
    for layer in table["layer"].unique() if len(table) else []:
        mine = table[table["layer"] == layer]
        row = {"layer": str(layer)}
        for name in taken_measures(run):
            first, last = mine[name].iloc[0], mine[name].iloc[-1]
            row[MEASURES[name].title] = "" if pd.isna(first) and pd.isna(last) else f"{number(first)} → {number(last)}"
        rows.append(row)
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
