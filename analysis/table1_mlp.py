"""Table 1: a dense MLP and sparse ones with 1 % of its links, on MNIST and Fashion-MNIST, over several seeds.

It has the rows of the paper, the same methods from other initial topologies (one derived from the data matters more
than any evolution rule), and our own RigL-soft: ``python -m analysis.table1_mlp --data-dir data --jobs 2``. Finished
runs are kept and not repeated. All runs are written to figures/table1_mlp.csv with the hashes of their configurations,
with a figure next to it; the table is printed as Markdown. ``--table`` recreates both from the file alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis.command import DATASETS, options, run_main, runs_of
from topolearn import plotting
from topolearn.studies import Study, compare, spread, to_markdown

FILE = Path("figures/table1_mlp.csv")

BASE = {"epochs": 100, "density": 0.01, "backend": "csr", "history": "summary", "measures": ["none"]}
CSTI = {"generator": "csti"}
L3P: dict[str, Any] = {"method": "chts", **CSTI, "regrowth": "ch3_l3p-soft"}
L3N: dict[str, Any] = {"method": "chts", **CSTI}
EM_S = {
    "density_schedule": "em_s", "start_density": 0.06, "removal": "weight_magnitude", "zeta": "none",
    "stop_fraction": 0.75,
}  # fmt: skip
COSINE = {"zeta_schedule": "cosine", "stop_fraction": 0.75}
RI_SOFT = {"removal": "relative_importance-soft"}
THEN_BSW = {"input_generator": "csti", "generator": "bsw", "generator_params.beta": 0.25}

PAPER_ROWS: dict[str, dict[str, Any]] = {
    "CHTs (CH3-L3p)": L3P,
    "CHTs (CH2-L3n)": L3N,
    "CHT": {"method": "cht"},
    "RigL": {"method": "rigl"},
    "SET": {"method": "set"},
    "CHTs (CH3-L3p), EM&S": L3P | EM_S,
}
BY_IMPORTANCE = {f"{label}, RI-soft": PAPER_ROWS[label] | RI_SOFT for label in ("CHTs (CH3-L3p)", "CHTs (CH2-L3n)")}
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": PAPER_ROWS,
    "ri-soft": BY_IMPORTANCE,
    "csti": {
        "RigL, CSTI": PAPER_ROWS["RigL"] | CSTI,
        "SET, CSTI": PAPER_ROWS["SET"] | CSTI,
        "static, CSTI": {"method": "static", **CSTI},
    },
    "csti+bsw": {f"{label}, CSTI + BSW": row | THEN_BSW for label, row in {**PAPER_ROWS, **BY_IMPORTANCE}.items()},
    "preset": {"RigL-soft": L3P | {"regrowth": "gradient", "percolation": False}},  # from analysis.preset_search
    "readings": {  # interpretations of what the paper leaves open
        "CHTs (CH3-L3p), no weight decay": L3P | {"weight_decay": 0.0},
        "CHT, never stopped": PAPER_ROWS["CHT"] | {"early_stop": False},
        "CHT, cosine zeta": PAPER_ROWS["CHT"] | COSINE,
        "CHT, cosine zeta, never stopped": PAPER_ROWS["CHT"] | COSINE | {"early_stop": False},
        "RigL, dense weights' scale": PAPER_ROWS["RigL"] | {"weight_scale": "cells"},
        "SET, dense weights' scale": PAPER_ROWS["SET"] | {"weight_scale": "cells"},
    },
    "dense": {"FC": {"method": "dense", "density": 1.0, "backend": "masked"}},
}

# Accuracy, its standard deviation, and ANP by the authors' definition, all in percent.
PAPER: dict[str, dict[str, tuple[float, float, float | None]]] = {
    "mnist": {
        "FC": (98.78, 0.02, None),
        "CHTs (CH3-L3p)": (98.81, 0.04, 20),
        "CHTs (CH2-L3n)": (98.76, 0.05, 27),
        "CHT": (98.48, 0.04, 29),
        "RigL": (98.61, 0.01, 29),
        "SET": (98.14, 0.02, 100),
    },
    "fashion_mnist": {
        "FC": (90.88, 0.02, None),
        "CHTs (CH3-L3p)": (90.93, 0.03, 89),
        "CHTs (CH2-L3n)": (90.67, 0.05, 73),
        "CHT": (88.70, 0.07, 30),
        "RigL": (89.91, 0.07, 55),
        "SET": (89.00, 0.09, 100),
    },
}
PAIRS = [("CHTs (CH3-L3p)", other) for other in ("CHTs (CH2-L3n)", "CHT", "RigL", "SET", "FC")] + [("CHT", "SET")]
PAIRS += [(other, "CHTs (CH3-L3p)") for other in ("CHTs (CH3-L3p), CSTI + BSW", "RigL-soft")]


def study(
    dataset: str,
    *,
    data_dir: str | Path = "data",
    seeds: int = 3,
    epochs: int = 100,
    groups: Sequence[str] = tuple(GROUPS),
) -> Study:
    """Return the study of a data set: the rows of some groups, each with several seeds."""
    settings = tuple({"label": label, **row} for group in groups for label, row in GROUPS[group].items())
    base = BASE | {"dataset": dataset, "epochs": epochs, "data_dir": str(data_dir)}
    return Study(name=f"table1_{dataset}", base=base, settings=settings, seeds=tuple(range(seeds)))


def table(runs: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return one row per method with the accuracy of the best and the last epoch, compared with the paper."""
    rows = {}
    for label, group in runs[runs["dataset"] == dataset].groupby("label", sort=False):
        best, last = spread(100 * group["best_accuracy"]), spread(100 * group["last_accuracy"])
        accuracy, deviation, anp = PAPER[dataset].get(str(label), (None, None, None))
        rows[label] = {
            "seeds": best.n,
            "best epoch": _with_deviation(best.mean, best.deviation),
            "95 % interval": f"{best.low:.2f} to {best.high:.2f}" if best.n > 1 else None,
            "last epoch": _with_deviation(last.mean, last.deviation),
            "paper": None if accuracy is None else _with_deviation(accuracy, deviation),
            "difference": None if accuracy is None else f"{best.mean - accuracy:+.2f}",
            "ANP, hidden neurons": f"{100 * group['active_neurons'].mean():.0f} %",
            "ANP, authors' count": f"{100 * group['active_neurons_authors'].mean():.0f} %",
            "paper's ANP": None if anp is None else f"{anp:.0f} %",
            "seconds": f"{group['seconds'].median():.0f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(DATASETS[dataset])


def differences(runs: pd.DataFrame, dataset: str, pairs: Sequence[tuple[str, str]] = PAIRS) -> pd.DataFrame:
    """Return the paired differences in best accuracy between methods, in points, with their 95 % intervals."""
    here = runs[runs["dataset"] == dataset]
    there = set(here["label"])
    rows = {}
    for first, second in pairs:
        if {first, second} <= there:
            comparison = compare(here, first, second)
            low, high = 100 * comparison.difference.low, 100 * comparison.difference.high
            rows[f"{first} - {second}"] = {
                "pairs": comparison.difference.n,
                "difference": f"{100 * comparison.difference.mean:+.2f}",
                "95 % interval": f"{low:+.2f} to {high:+.2f}" if comparison.difference.n > 1 else None,
                "win rate": f"{comparison.win_rate:.2f}",
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(DATASETS.get(dataset, dataset))


def _with_deviation(mean: float, deviation: float | None) -> str:
    return f"{mean:.2f}" if deviation is None or np.isnan(deviation) else f"{mean:.2f} ({deviation:.2f})"


def draw(runs: pd.DataFrame) -> Figure:
    """Return a figure of the best accuracies: each seed, the mean with its interval, and the paper's value."""
    there = [name for name in DATASETS if name in set(runs["dataset"])]
    n_rows = max(runs.loc[runs["dataset"] == name, "label"].nunique() for name in there)
    with plotting.style():
        figure = Figure(figsize=(6.4 * len(there), 1.8 + 0.32 * n_rows), layout="constrained")
        for ax, dataset in zip(np.atleast_1d(figure.subplots(1, len(there))), there, strict=True):
            _draw_dataset(ax, runs[runs["dataset"] == dataset], PAPER[dataset])
            ax.set_title(DATASETS[dataset])
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        epochs = runs["epochs"].max()
        figure.suptitle(f"MLP with 1 % of its links, {epochs} epochs: test accuracy of the best epoch")
    return figure


def _draw_dataset(ax: Axes, runs: pd.DataFrame, paper: Mapping[str, tuple[float, float, float | None]]) -> None:
    labels = list(dict.fromkeys(runs["label"]))
    blue, orange = to_hex("C0"), to_hex("C1")
    for place, label in enumerate(labels):
        values = 100 * runs.loc[runs["label"] == label, "best_accuracy"].to_numpy()
        accuracy, first = spread(values), place == 0
        ax.plot(values, [place] * len(values), ".", color="#888888", label="a seed" if first else None)
        if accuracy.n > 1:
            ax.plot([accuracy.low, accuracy.high], [place, place], color=blue, linewidth=2, alpha=0.6)
        ax.plot([accuracy.mean], [place], "o", color=blue, label="mean, 95 % interval" if first else None)
        if label in paper:
            ax.plot([paper[label][0]], [place], "D", color=orange, fillstyle="none", label="paper" if first else None)
    if "FC" in labels:
        ax.axvline(100 * runs.loc[runs["label"] == "FC", "best_accuracy"].mean(), color="#888888", linestyle=":")
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.set_xlabel("test accuracy (%)")


def main() -> None:
    """Run the study, and write its table and figure."""
    parser = options(__doc__, runs="runs/table1", file=FILE)
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups of rows to run")
    args = parser.parse_args()
    size = {"data_dir": args.data_dir, "seeds": args.seeds, "epochs": args.epochs}
    asked = [(study(name, **size, groups=args.groups), args.runs / name) for name in args.datasets]
    there = [name for name in DATASETS if (args.runs / name).exists() or name in args.datasets]
    whole = ((study(name, **size), args.runs / name) for name in there)
    runs = runs_of(asked, args, FILE, whole=whole)
    draw(runs).savefig(FILE.with_suffix(".png"), dpi=130)
    for name in dict.fromkeys(runs["dataset"]):
        print(f"{to_markdown(table(runs, name))}\n\n{to_markdown(differences(runs, name))}\n")


if __name__ == "__main__":
    run_main(main)
