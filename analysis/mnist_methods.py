"""Every method on MNIST with several seeds: accuracy, active neurons, overlap and seconds, as a table and a figure.

Each method runs with its defaults. Some also run from CSTI, to compare rules from the same start, and some with one
component of another method, to see what makes the difference. Run it with ``python -m analysis.mnist_methods --data-dir
DIR``, or only some rows with ``--methods LABEL ... --name NAME``. Finished runs are kept and not repeated. The results
are written to figures/mnist_methods.csv and .png.
"""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.program import CONTINUED, Program
from analysis.tables import runs_in, write_table
from topolearn import plotting
from topolearn.evolution import METHODS, Method
from topolearn.plotting.drawing.style import axes_or_new, log_ticks, percent, percent_ticks
from topolearn.plotting.drawing.ticks import EvenTicks
from topolearn.sparse import topology_of
from topolearn.studies import Study, finished_runs, run_study
from topolearn.training import Run, load_dataset

FROM_CSTI = ("static", "set", "rigl", "chts")
VARIANTS: dict[str, dict[str, Any]] = {
    "chts, CH3-L3p, CSTI": {"method": "chts", "generator": "csti", "regrowth": "ch3_l3p-soft"},
    "chts, RI, CSTI": {"method": "chts", "generator": "csti", "removal": "relative_importance-soft"},
    "chts-gmp, by weight": {"method": "chts-gmp", "pruning": "weight_magnitude"},
    "topkast, every 100 steps": {"method": "topkast", "interval": 100},
}
RARE = 0.01  # a pixel is rare if it is not black in less than this share of the images
FIGURES = Path("figures")


def settings() -> dict[str, dict[str, Any]]:
    """Return the options of each row of the study, by its label."""
    rows: dict[str, dict[str, Any]] = {name: {"method": name} for name in METHODS}
    rows |= {f"{name}, CSTI": {"method": name, "generator": "csti"} for name in FROM_CSTI} | VARIANTS
    return {label: values | _needed_by(METHODS[values["method"]]) for label, values in rows.items()}


def _needed_by(method: Method) -> dict[str, Any]:
    """Return the options in which a method differs from the base; with an update per step, no links are stored."""
    density = {"density": 1.0} if method.is_dense else {}
    return density | ({"history": "summary"} if method.interval == 1 else {})


def study(labels: Iterable[str], args: argparse.Namespace) -> Study:
    """Return the study of the given rows, each with ``args.seeds`` seeds."""
    rows = settings()
    return Study(
        name="mnist_methods",
        base={
            "dataset": "mnist",
            "data_dir": args.data_dir,
            "density": args.density,
            "epochs": args.epochs,
            "threads": args.threads,
        },
        settings=tuple({"label": label, **rows[label]} for label in dict.fromkeys(labels)),
        seeds=tuple(range(args.seeds)),
    )


def by_label(runs: Mapping[tuple[str, int], Run]) -> dict[str, list[Run]]:
    """Return the runs of each label, one per seed."""
    labelled: dict[str, list[Run]] = {}
    for (label, _), run in runs.items():
        labelled.setdefault(label, []).append(run)
    return labelled


def table(runs: dict[str, list[Run]], is_rare: np.ndarray) -> pd.DataFrame:
    """Return a row per label: accuracies, active neurons and links from rare pixels in percent; seconds per run."""
    rows = []
    for label, several in runs.items():
        last = pd.DataFrame([run.metrics.iloc[-1] for run in several])
        best = pd.Series([run.metrics["test_accuracy"].max() for run in several])
        epochs = pd.concat([run.metrics for run in several])
        rows.append(
            {
                "method": label,
                "backend": several[0].config.backend,
                "seeds": len(several),
                "best_mean": 100 * best.mean(),
                "best_std": 100 * best.std(),
                "last_mean": 100 * last["test_accuracy"].mean(),
                "last_std": 100 * last["test_accuracy"].std(),
                "links": int(last["n_links"].iloc[0]),
                "active_neurons": 100 * last["active_neurons"].mean(),
                "active_neurons_authors": 100 * last["active_neurons_authors"].mean(),
                "rare_pixels": 100 * np.mean([_share_from(run, is_rare) for run in several]),
                "overlap": epochs["overlap"].mean(),
                "seconds": pd.Series([run.summary["seconds"] for run in several]).median(),
            }
        )
    return pd.DataFrame(rows).set_index("method").round(3)


def _share_from(run: Run, pixels: np.ndarray) -> float:
    """Return the share of the first layer's links that start at the given inputs."""
    if not run.history.layers:  # dense
        return float(pixels.mean())
    graph = topology_of(run.load_model("last"))["hidden1"]
    return float(graph.fan_out[pixels].sum() / graph.n_links)


def draw(results: pd.DataFrame, title: str) -> Figure:
    """Return a figure with a row per method and a panel per number."""
    with plotting.style():
        figure = Figure(figsize=(11, 1.6 + 0.26 * len(results)), layout="constrained")
        places = np.arange(len(results))
        for ax, (words, values, errors) in zip(figure.subplots(1, 3, sharey=True), _panels(results), strict=True):
            ax.errorbar(values.astype(float), places, xerr=errors, fmt="o", markersize=5, capsize=2.5, clip_on=False)
            ax.margins(x=0.05)
            ax.set_xlabel(words)
            axes_or_new(ax)
        figure.axes[0].set_xscale("log")
        log_ticks(figure.axes[0].xaxis, percent)
        for ax in figure.axes[1:]:
            ax.set_xlim(left=0)
            percent_ticks(ax.xaxis)
            ax.xaxis.set_major_locator(EvenTicks())
        figure.axes[0].set(yticks=places, yticklabels=results.index, ylim=(len(results) - 0.4, -0.6))
        figure.suptitle(title)
    return figure


def _panels(results: pd.DataFrame) -> Iterable[tuple[str, pd.Series, pd.Series | None]]:
    """Return the title of each panel, its values, and their standard deviations over the seeds."""
    return [
        (
            "test error of the best epoch",
            1 - results["best_mean"].astype(float) / 100,
            results["best_std"].astype(float) / 100,
        ),
        ("active hidden neurons, last epoch", results["active_neurons"] / 100, None),
        ("overlap of removed and regrown links", results["overlap"], None),
    ]


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__, CONTINUED)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="folder with MNIST's IDX files")
    parser.add_argument("--runs", type=Path, default=Path("runs/mnist_methods"), help="where the runs are kept")
    parser.add_argument("--density", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--threads", type=int, default=1, help="threads of each run")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--name", default="mnist_methods", help="name of the table and the figure")
    parser.add_argument("--methods", nargs="+", default=list(settings()), choices=list(settings()), metavar="LABEL")
    parser.add_argument("--table", action="store_true", help="run nothing: redraw the figure from figures/NAME.csv")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the study, and write its table and figure."""
    file = FIGURES / f"{args.name}.csv"
    if args.table:
        result = runs_in(file, ("best_mean", "overlap")).set_index("method")
    else:
        planned = study(args.methods, args)
        run_study(planned, args.runs, jobs=args.jobs, retry_failed=True)
        runs = by_label(finished_runs(planned, args.runs))
        is_rare = ((load_dataset("mnist", args.data_dir).train_x > 0).double().mean(dim=0) < RARE).numpy()
        result = table(runs, is_rare)
        write_table(file, result.reset_index())
    print(result.to_string())
    title = (
        f"MNIST, density {percent(args.density)}, {args.epochs} epochs, {args.seeds} seeds: means, standard deviations"
    )
    draw(result, title).savefig(file.with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    program().run(main)
