"""What becomes of the topology of a Transformer that learns to translate: queries and keys, values, feed-forward.

``python -m analysis.translation_topology --runs runs/table2`` measures the finished runs of
``analysis.table2_translation`` at some of their updates, and writes figures/table2_topology.csv, with a row for each
step, place and kind of population, and a picture of each setting. Percolation removes next to nothing at 10 % of the
links; ``--percolation`` trains nothing, but updates fresh networks of 1, 2, 5 and 10 %, and prints what goes where.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

import topolearn as tl
from analysis.command import run_main
from analysis.table2_translation import study
from topolearn import diagnostics, plotting
from topolearn.plotting.style import line_styles, percent_ticks
from topolearn.studies.directory import StudyDirectory

FILE = Path("figures/table2_topology.csv")
KINDS = {
    "queries and keys": ("q_proj", "k_proj"), "values": ("v_proj", "out_proj"), "feed-forward": ("fc1", "fc2"),
}  # fmt: skip
PANELS = {
    "density": "density", "active_neurons": "active neurons", "dead_heads": "heads without an active neuron",
    "fan_in_gini": "Gini coefficient of fan-in", "fan_out_gini": "Gini coefficient of fan-out",
    "percolated": "links percolated so far",
}  # fmt: skip
DENSITIES = (0.01, 0.02, 0.05, 0.1)


def place(layer: str) -> str:
    """Return where a layer is: in the encoder, in the decoder, or across, from decoder to encoder.

    Examples
    --------
    >>> place("model.decoder.layers.0.encoder_attn.q_proj"), place("model.encoder.layers.2.fc1")
    ('across', 'encoder')
    """
    return "across" if ".encoder_attn." in layer else layer.split(".")[1]


def kind(layer: str) -> str:
    """Return what a layer is for: one of `KINDS`."""
    return next(name for name, ends in KINDS.items() if layer.rpartition(".")[2] in ends)


def of_run(run: tl.Run, n_states: int) -> pd.DataFrame:
    """Return a row for each place and kind of population, at steps spread over the updates of a run."""
    groups = tl.topology_of(run.load_model("last")).groups
    steps = run.history.steps
    wanted = {steps[i] for i in np.linspace(0, len(steps) - 1, min(n_states, len(steps))).astype(int)}
    updates = run.history.updates
    rows: list[dict[str, object]] = []
    for step, graphs in run.history.replay():
        if step in wanted:
            percolated = updates[updates["step"] <= step].groupby("layer")["percolated"].sum()
            rows += of_network(tl.LayeredNetwork(graphs, groups), step, percolated)
    return pd.DataFrame(rows)


def of_network(network: tl.LayeredNetwork, step: int, percolated: pd.Series) -> Iterator[dict[str, object]]:
    """Yield a row for each place and kind of population of a network."""
    heads = diagnostics.attention_heads(network)
    for (where, what), names in _populations(network).items():
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
            "percolated": int(percolated.reindex(names).fillna(0).sum()),
        }  # fmt: skip


def _populations(network: tl.LayeredNetwork) -> dict[tuple[str, str], list[str]]:
    layers: dict[tuple[str, str], list[str]] = {}
    for name in network:
        layers.setdefault((place(name), kind(name)), []).append(name)
    return layers


def percolated_at(density: float) -> dict[str, int]:
    """Return how many links an update by CHTs percolates in a fresh network, by place and kind."""
    from topolearn.tasks.translation import TranslationConfig
    from topolearn.tasks.translation.model import dense_model

    config = TranslationConfig(method="chts", density=density, schedule="noam")
    model, method = dense_model(config, config.vocabulary_size), config.build_method()
    tl.sparsify(model, method, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=9, interval=1)
    optimizer.step()  # which changes nothing without gradients
    update = topology.step()
    assert update is not None, "the interval is a step"
    counts: Counter[str] = Counter()
    for name, events in update.items():
        counts[f"{place(name)}, {kind(name)}"] += len(events.percolated)
    return dict(counts)


def draw(table: pd.DataFrame, title: str) -> Figure:
    """Return the figure: a panel for each measure, a line for each place and kind; means over seeds."""
    with plotting.style():
        figure = Figure(figsize=(14, 8), layout="constrained")
        names = (table["place"] + ", " + table["kind"]).unique()
        for ax, (column, words) in zip(figure.subplots(2, 3).flat, PANELS.items(), strict=True):
            for name, look in line_styles(names).items():
                rows = table[table["place"] + ", " + table["kind"] == name].groupby("step")[column].mean()
                ax.plot(rows.index, rows, label=name, **look)
            ax.set(xlabel="step", ylabel=words)
            if column in ("density", "active_neurons"):
                percent_ticks(ax.yaxis)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        figure.suptitle(title)
    return figure


def main() -> None:
    """Measure the runs, and write table and pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="as for the runs")
    parser.add_argument("--runs", type=Path, default=Path("runs/table2"), help="where the runs are kept")
    parser.add_argument("--states", type=int, default=12, help="at which the topology of a run is measured")
    parser.add_argument("--percolation", action="store_true", help="print what percolation does to fresh networks")
    args = parser.parse_args()
    if args.percolation:
        print(pd.DataFrame({f"{d:.0%}": percolated_at(d) for d in DENSITIES}).rename_axis("percolated").to_string())
        return
    tables = []
    for group in ("seeds", "methods"):
        planned = study(group, 3 if group == "seeds" else 1, args.data_dir)
        for plan in planned.runs():
            run = StudyDirectory(args.runs / group, planned).run(plan)
            if run is not None and run.is_complete and run.history.layers:
                tables.append(of_run(run, args.states).assign(label=plan.label, seed=plan.seed))
    if not tables:
        raise SystemExit(f"no sparse run in {args.runs} is done: python -m analysis.table2_translation trains them")
    table = pd.concat(tables, ignore_index=True)
    FILE.parent.mkdir(exist_ok=True)
    table[["label", "seed", *table.columns.drop(["label", "seed"])]].round(4).to_csv(FILE, index=False)
    for label, rows in table.groupby("label"):
        name = "-".join(str(label).replace(" %", "").lower().split())
        draw(rows, f"{label}: mean of {rows['seed'].nunique()} seeds").savefig(
            FILE.with_name(f"table2_topology_{name}.png"), dpi=110
        )
    last = table[table["step"] == table.groupby("label")["step"].transform("max")]
    print(last.groupby(["label", "place", "kind"], sort=False).mean(numeric_only=True).round(3).to_string())


if __name__ == "__main__":
    run_main(main)
