"""The topology of Transformers during training, by place and kind of layer; shared by two studies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import topolearn as tl
from analysis.kept_results import as_planned, joined, kept_rows, slug
from analysis.tables import write_table
from topolearn import diagnostics, plotting
from topolearn.plotting.drawing.style import axes_or_new, draw_line, line_styles, percent_ticks, whole_ticks
from topolearn.studies import Study
from topolearn.studies.directory import StudyDirectory
from topolearn.studies.study import PlannedRun

Population = Callable[[str], tuple[str, str]]  # place and kind of a layer
PANELS = {
    "density": "density", "active_neurons": "active neurons", "dead_heads": "heads without an active neuron",
    "fan_in_gini": "Gini coefficient of fan-in", "fan_out_gini": "Gini coefficient of fan-out",
    "itop": "cells that have been links (ITOP)",
}  # fmt: skip
LAST = {
    "fan_in_gini": "Gini coefficient of fan-in", "weakest_head": "links of the weakest head, of an average head's",
    "active_neurons": "active neurons", "itop": "cells that have been links (ITOP)",
}  # fmt: skip
IN_PERCENT = ("density", "active_neurons", "itop")


def of_run(run: tl.Run, n_states: int, population: Population) -> pd.DataFrame:
    """Return a row for each place and kind of population, at steps spaced over the updates of a run."""
    groups = tl.topology_of(run.load_model("last")).groups
    steps = run.history.steps
    wanted = {steps[i] for i in np.linspace(0, len(steps) - 1, min(n_states, len(steps))).astype(int)}
    updates = run.history.updates
    rows: list[dict[str, object]] = []
    ever: dict[str, np.ndarray] = {}  # by layer, whether each cell has been a link
    for step, graphs in run.history.replay():
        for name, graph in graphs.items():
            ever.setdefault(name, np.zeros(graph.n_in * graph.n_out, dtype=bool))[graph.cells] = True
        if step in wanted:
            percolated = updates[updates["step"] <= step].groupby("layer")["percolated"].sum()
            rows += of_network(tl.LayeredNetwork(graphs, groups), step, percolated, ever, population)
    return pd.DataFrame(rows)


def of_network(
    network: tl.LayeredNetwork, step: int, percolated: pd.Series, ever: dict[str, np.ndarray], population: Population
) -> Iterator[dict[str, object]]:
    """Yield a row for each place and kind of population of a network."""
    heads = diagnostics.attention_heads(network)
    for (where, what), names in _populations(network, population).items():
        graphs = {name: network[name] for name in names}
        groups = [group for group in network.groups if set(group.layers) <= set(names)]
        of_heads = heads[heads["writers"].isin([", ".join(group.writers) for group in groups])]
        yield {
            "step": step, "place": where, "kind": what,
            "links": sum(graph.n_links for graph in graphs.values()),
            "density": tl.LayeredNetwork(graphs, groups).density,
            "active_neurons": diagnostics.active_neuron_rate(tl.LayeredNetwork(graphs, groups)),
            "heads": len(of_heads), "dead_heads": int((~of_heads["alive"]).sum()),
            "weakest_head": float((of_heads["links_in"] / of_heads["links_in"].mean()).min()),
            "fan_in_gini": float(np.mean([diagnostics.fan_in_gini(graph) for graph in graphs.values()])),
            "fan_out_gini": float(np.mean([diagnostics.fan_out_gini(graph) for graph in graphs.values()])),
            "itop": float(np.concatenate([ever[name] for name in names]).mean()),
            "percolated": int(percolated.reindex(names).fillna(0).sum()),
        }  # fmt: skip


def _populations(network: tl.LayeredNetwork, population: Population) -> dict[tuple[str, str], list[str]]:
    layers: dict[tuple[str, str], list[str]] = {}
    for name in network:
        layers.setdefault(population(name), []).append(name)
    return layers


def of_studies(studies: Iterable[tuple[Study, Path]], n_states: int, population: Population) -> pd.DataFrame:
    """Return the rows of all finished sparse runs of several studies, with label, seed and hash."""
    tables = []
    for study, directory in studies:
        for plan in study.runs():
            run = StudyDirectory(directory, study).run(plan)
            if run is not None and run.is_complete and run.history.layers:
                tables.append(
                    of_run(run, n_states, population).assign(label=plan.label, seed=plan.seed, hash=plan.hash)
                )
    if not tables:
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    return table[["label", "seed", *table.columns.drop(["label", "seed", "hash"]), "hash"]]


def draw(table: pd.DataFrame, title: str) -> Figure:
    """Return a figure with a panel per measure and a line per place and kind; means over seeds."""
    with plotting.style():
        figure = Figure(figsize=(14, 8), layout="constrained")
        names = (table["place"] + ", " + table["kind"]).unique()
        for ax, (column, words) in zip(figure.subplots(2, 3).flat, PANELS.items(), strict=True):
            for name, look in line_styles(names).items():
                rows = table[table["place"] + ", " + table["kind"] == name].groupby("step")[column].mean()
                draw_line(axes_or_new(ax), rows.index, rows, label=name, **look)
            ax.set(xlabel="step", ylabel=words)
            if column in IN_PERCENT:
                percent_ticks(ax.yaxis)
            if column == "dead_heads":
                whole_ticks(ax.yaxis)
                ax.set_ylim(0, max(1.0, ax.get_ylim()[1]))
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        figure.suptitle(title)
    return figure


def last_states(table: pd.DataFrame) -> pd.DataFrame:
    """Return what layers are after the last update of each run, by setting: ranges over places, kinds and seeds.

    Examples
    --------
    >>> rows = {"label": "SET", "seed": 0, "step": [0, 9, 9], "fan_in_gini": [0.1, 0.2, 0.25], "weakest_head": 0.9}
    >>> print(last_states(pd.DataFrame(rows | {"active_neurons": 1.0, "itop": [0.1, 0.4, 0.42]})).T.to_string())
    label                                               SET
    Gini coefficient of fan-in                 0.20 to 0.25
    links of the weakest head, of an average head's     90%
    active neurons                                     100%
    cells that have been links (ITOP)            40% to 42%
    """
    last = table[table["step"] == table.groupby(["label", "seed"])["step"].transform("max")]
    rows = last.groupby("label", sort=False)
    return pd.DataFrame({words: rows[column].agg(_range) for column, words in LAST.items()})


def _range(values: pd.Series) -> str:
    form = "{:.2f}" if values.name == "fan_in_gini" else "{:.0%}"
    return " to ".join(dict.fromkeys(form.format(value) for value in (values.min(), values.max())))


def write(new: pd.DataFrame, file: Path, planned: Sequence[PlannedRun]) -> None:
    """Write the rows of runs to a file and a figure of each setting next to it, and print the last state of each.

    Rows of other planned runs are kept.
    """
    table = as_planned(joined(kept_rows(file, planned), new.round(4)), planned)
    if table.empty:
        raise SystemExit(f"no sparse run is done, so {file} is not written")
    write_table(file, table)
    for label, rows in table.groupby("label"):
        n_seeds = rows["seed"].nunique()
        picture = draw(rows, f"{label}: mean of {n_seeds} seeds" if n_seeds > 1 else str(label))
        picture.savefig(file.with_name(f"{file.stem}_{slug(str(label))}.png"), dpi=110)
    last = table[table["step"] == table.groupby("label")["step"].transform("max")]
    print(last.groupby(["label", "place", "kind"], sort=False).mean(numeric_only=True).round(3).to_string())
