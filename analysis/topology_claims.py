"""Do networks trained with CHTs become what the paper claims: small-world, scale-free, with aligned hubs?

CHTs trains the paper's MLP on MNIST from BSW and from CSTI with several seeds, and the topology is measured during
training: closure and path length, sigma and omega against null models with the same degrees, the power law of the
degrees, credit assignment paths, and active neurons. The alignment of hubs is judged by a comparison with the same
layers after shuffling their hidden neurons. Run it with ``python -m analysis.topology_claims --data-dir DIR``; finished
runs are kept and not repeated. The results are written to figures/topology_claims.csv and .png.
"""

import argparse
import itertools
from itertools import pairwise
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import topolearn as tl
from analysis.program import CONTINUED, Program
from analysis.tables import runs_in, write_table
from topolearn import diagnostics, plotting
from topolearn.plotting.drawing.style import axes_or_new, line_styles, log_ticks, percent_ticks, whole_ticks
from topolearn.plotting.run_data import evenly
from topolearn.studies import Study, finished_runs, run_study
from topolearn.training import Run

STARTS = ("bsw", "csti")
SHUFFLES = 20
DASHES = ("-", "--", ":", "-.")
FILE = Path("figures/topology_claims.csv")
NETWORK = "(network)"
PANELS = {
    "closure": "closure C",
    "path_length": "path length L",
    "sigma": "sigma: small world above 1",
    "omega": "omega: lattice −1, small world 0, random 1",
    "gamma": "power-law exponent γ of all degrees",
    "log10_paths": "credit assignment paths, log10",
    "hub_share": "paths through hubs",
    "alignment": "hub paths, relative to shuffled neurons",
    "active_neurons": "active hidden neurons",
}


def study(args: argparse.Namespace) -> Study:
    """Return the study of both starts, each with ``args.seeds`` seeds."""
    return Study(
        name="topology_claims",
        base={
            "dataset": "mnist",
            "data_dir": args.data_dir,
            "method": "chts",
            "density": args.density,
            "hidden": args.hidden,
            "epochs": args.epochs,
            "measures": ["none"],
            "threads": 1,
        },
        settings=tuple({"label": start, "generator": start} for start in STARTS),
        seeds=tuple(range(args.seeds)),
    )


def measure(path: Path, n_states: int) -> pd.DataFrame:
    """Return the measures of a run: for at most `n_states` states, one row per layer and one for the network."""
    run, rows = Run(path), []
    steps = run.history.graph_steps
    wanted = evenly(steps, min(n_states, len(steps)))
    steps_per_epoch = run.metrics["step"].iloc[0]
    for step, graphs in run.history.replay():
        if step in wanted:
            network = tl.LayeredNetwork(graphs)
            rows += [{"step": step, "layer": name, **of_layer(g)} for name, g in graphs.items()]
            rows += [{"step": step, "layer": NETWORK, **of_network(network)}]
    start, seed = run.config.overrides["generator"], run.config.seed
    table = pd.DataFrame(rows).assign(start=start, seed=seed)
    return table.assign(epoch=table["step"] / steps_per_epoch)


def of_layer(g: tl.BipartiteGraph) -> dict[str, float]:
    """Return the measures of one layer."""
    world, law = diagnostics.small_world(g), diagnostics.power_law(g.degrees)
    assert isinstance(world, diagnostics.SmallWorld), "of a layer"
    against = law.against("exponential")
    return {
        "closure": world.closure,
        "path_length": world.path_length,
        "path_length_random": world.path_length_random,
        "closure_random": world.closure_random,
        "sigma": world.sigma,
        "omega": world.omega,
        "gamma": law.gamma,
        "tail": law.n_tail / law.n,
        "power_law_p": law.p_value if law.p_value is not None else np.nan,
        "against_exponential": against.ratio,
        "against_exponential_p": against.p_value,
        "largest_degree": float(g.degrees.max()),
    }


def of_network(network: tl.LayeredNetwork) -> dict[str, float]:
    """Return the measures of the whole network; alignment is the share of hub paths relative to shuffled neurons."""
    cap = diagnostics.credit_assignment_paths(network)
    rng = np.random.default_rng(0)
    by_chance = [diagnostics.credit_assignment_paths(shuffled(network, rng)).share for _ in range(SHUFFLES)]
    return {
        "log10_paths": cap.paths,
        "hub_share": cap.share,
        "alignment": cap.share / float(np.mean(by_chance)),
        "in_line": float(
            np.mean([np.corrcoef(a.fan_in, b.fan_out)[0, 1] for a, b in pairwise(network.graphs.values())])
        ),
        "active_neurons": diagnostics.active_neuron_rate(network),
        "active_neurons_authors": diagnostics.active_neuron_rate(network, "authors"),
    }


def shuffled(network: tl.LayeredNetwork, rng: np.random.Generator) -> tl.LayeredNetwork:
    """Return the same layers, each with its inputs in random order, so that hubs are linked only by chance."""
    return tl.LayeredNetwork(
        {
            name: g if i == 0 else tl.BipartiteGraph(g.to_scipy()[:, rng.permutation(g.n_in)])
            for i, (name, g) in enumerate(network.graphs.items())
        }
    )


def draw(table: pd.DataFrame, title: str) -> Figure:
    """Return a figure with a panel per measure and a line per start and layer: means over seeds, with their range."""
    with plotting.style():
        figure = Figure(figsize=(13, 10.5), layout="constrained")
        dashes = dict(zip(table["layer"].unique(), itertools.cycle(DASHES)))
        for ax, (column, words) in zip(figure.subplots(3, 3).flat, PANELS.items(), strict=True):
            known = table.dropna(subset=[column])
            for start, layer in known[["start", "layer"]].drop_duplicates().itertuples(index=False):
                rows = known[(known["start"] == start) & (known["layer"] == layer)]
                of_start = line_styles(STARTS)[start]
                look = {"color": of_start["color"], "marker": of_start["marker"], "linestyle": dashes[layer]}
                _draw_mean(ax, rows, column, f"{start.upper()}, {layer}", look)
            axes_or_new(ax).set(xlabel="epoch", ylabel=words)
            whole_ticks(ax.xaxis)
            if column in ("closure", "hub_share", "active_neurons"):
                percent_ticks(ax.yaxis)
            if column == "gamma":
                ax.set_yscale("log")
                log_ticks(ax.yaxis, "{:g}".format)
                ax.axhspan(2, 3, color="#999999", alpha=0.3, linewidth=0)
                ax.annotate(
                    "scale-free", (0.7, 2.45), xycoords=("axes fraction", "data"), va="center", fontsize="small"
                )
        lines = {label: line for ax in figure.axes for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        figure.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=4)
        figure.suptitle(title)
    return figure


def _draw_mean(ax: Axes, rows: pd.DataFrame, column: str, label: str, look: dict[str, Any]) -> None:
    values = rows.groupby("epoch")[column].agg(["mean", "min", "max"])
    ax.plot(values.index, values["mean"], label=label, linewidth=1.6, **look)
    ax.fill_between(values.index, values["min"], values["max"], color=look["color"], alpha=0.12, linewidth=0)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__, CONTINUED)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="folder with MNIST's IDX files")
    parser.add_argument("--runs", type=Path, default=Path("runs/topology_claims"), help="where the runs are kept")
    parser.add_argument("--hidden", type=int, nargs="+", default=[1568] * 3)
    parser.add_argument("--density", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--states", type=int, default=12, help="number of states per run to measure")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--table", action="store_true", help=f"run nothing: redraw the figure from {FILE}")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the study, and write its table and figure."""
    if args.table:
        table = runs_in(FILE, ("start", "layer", "epoch"))
    else:
        planned = study(args)
        run_study(planned, args.runs, jobs=args.jobs, retry_failed=True)
        work = [joblib.delayed(measure)(run.path, args.states) for run in finished_runs(planned, args.runs).values()]
        table = pd.concat(joblib.Parallel(n_jobs=args.jobs)(work), ignore_index=True)
        write_table(FILE, table.round(4))
    title = (
        f"CHTs on MNIST, density {100 * args.density:g} %, {args.epochs} epochs; mean and range of {args.seeds} seeds"
    )
    draw(table, title).savefig(FILE.with_suffix(".png"), dpi=130)
    ends = table[table["epoch"].isin([0, table["epoch"].max()])]
    print(ends.groupby(["start", "layer", "epoch"], sort=False).mean(numeric_only=True).round(3).T.to_string())


if __name__ == "__main__":
    program().run(main)
