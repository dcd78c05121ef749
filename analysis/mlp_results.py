"""Results of MLPs: accuracy by method compared with the paper, paired differences, and a figure."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from topolearn import plotting
from topolearn.studies import compare, spread

TITLES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar10_jpeg": "CIFAR-10, JPEG copy",
}
Published = Mapping[str, tuple[float, float | None, float | None]]
"""The paper's accuracy, its standard deviation and its ANP by the authors' definition, in percent, by label."""


def table(runs: pd.DataFrame, dataset: str, paper: Published) -> pd.DataFrame:
    """Return one row per method with the accuracy of the best and the last epoch, compared with the paper."""
    rows = {}
    for label, group in runs[runs["dataset"] == dataset].groupby("label", sort=False):
        best, last = spread(100 * group["best_accuracy"]), spread(100 * group["last_accuracy"])
        accuracy, deviation, anp = paper.get(str(label), (None, None, None))
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
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(TITLES[dataset])


def differences(runs: pd.DataFrame, dataset: str, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
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
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(TITLES.get(dataset, dataset))


def _with_deviation(mean: float, deviation: float | None) -> str:
    return f"{mean:.2f}" if deviation is None or np.isnan(deviation) else f"{mean:.2f} ({deviation:.2f})"


def draw(runs: pd.DataFrame, paper: Mapping[str, Published]) -> Figure:
    """Return a figure of the best accuracies: each seed, the mean with its interval, and the paper's value."""
    there = [name for name in TITLES if name in set(runs["dataset"])]
    n_rows = max(runs.loc[runs["dataset"] == name, "label"].nunique() for name in there)
    with plotting.style():
        figure = Figure(figsize=(6.4 * len(there), 1.8 + 0.32 * n_rows), layout="constrained")
        for ax, dataset in zip(np.atleast_1d(figure.subplots(1, len(there))), there, strict=True):
            _draw_dataset(ax, runs[runs["dataset"] == dataset], paper[dataset])
            ax.set_title(TITLES[dataset])
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        epochs = runs["epochs"].max()
        figure.suptitle(f"MLP with 1 % of its links, {epochs} epochs: test accuracy of the best epoch")
    return figure


def _draw_dataset(ax: Axes, runs: pd.DataFrame, paper: Published) -> None:
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
