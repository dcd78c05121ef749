"""What the runs of Table 2 say: quality and size, differences, learning curves, and quality for equal work."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from topolearn import plotting
from topolearn.evolution import linear_layers
from topolearn.plotting.style import legend, line_styles, percent_ticks
from topolearn.recording import Run
from topolearn.studies import compare, spread
from topolearn.tasks.parameters import n_parameters

# BLEU of the paper's network (512 wide, 6 + 6 blocks) on Multi30k.
PAPER: dict[str, float] = {
    "FC, Xavier": 31.28, "SET 10 %": 28.72, "RigL 10 %": 28.89, "CHTs 10 %": 30.35, "CHTss 10 %": 32.79,
    "GraNet 10 %": 31.06, "GMP 10 %": 27.06, "MEST 10 %": 28.26, "CHTs-GMP 10 %": 30.33, "CHTss 5 %": 32.04,
    "CHTs 5 %": 28.12, "SET 5 %": 27.89,
}  # fmt: skip
PAIRS = (
    ("CHTss 10 %", "FC, small Xavier"), ("CHTss 10 %", "FC, Xavier"), ("FC, small Xavier", "FC, Xavier"),
    ("CHTss 10 %", "CHTs 10 %"), ("CHTs 10 %", "SET 10 %"), ("CHTs 10 %", "RigL 10 %"),
)  # fmt: skip


def curve(run: Run, steps: int) -> pd.DataFrame:
    """Return a row for each evaluation of a run: quality on validation sentences, and the work until then.

    Work counts a multiplication for each token and link, of sparse layers and generator; it is a share of that of so
    many steps of the dense network. Attention scores, a hundredth of it, are left out.
    """
    _, sparse = _dense(run)
    generator = run.config.width * run.config.vocabulary_size
    ends, density = _densities(run)
    evaluated = run.metrics["step"].to_numpy(dtype=float)
    links = np.interp(evaluated, ends, np.concatenate([[0.0], np.cumsum(np.diff(ends) * density * sparse)]))
    work = (links + evaluated * generator) / ((sparse + generator) * steps)
    kept = run.metrics[["step", "val_bleu", "val_perplexity"]]
    return kept.assign(density=run.metrics["density"], work=work)


def parameters_of(run: Run) -> int:
    """Return the number of parameters that the trained network uses: links, embeddings of each side, and the rest."""
    from topolearn.tasks.translation.model import IDLE

    model, cells = _dense(run)
    return n_parameters(model, IDLE) - cells + int(run.summary["n_links"])


def mean_density(run: Run) -> float:
    """Return the density of the sparse layers, on average over the steps."""
    ends, density = _densities(run)
    return float(np.average(density, weights=np.diff(ends)))


def _densities(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps between which the density stays, and what it is between them."""
    last, network = float(run.metrics["step"].iloc[-1]), run.network
    ends = np.append(network["step"].to_numpy(dtype=float), last)
    return (np.array([0.0, last]), np.ones(1)) if network.empty else (ends, network["density"].to_numpy())


def _dense(run: Run) -> tuple[nn.Module, int]:
    """Return the dense network of a run without memory, and the cells of the layers that are sparse, or would be."""
    from topolearn.tasks.translation.model import dense_model

    with torch.device("meta"):
        model = dense_model(run.config, run.config.vocabulary_size)
    return model, sum(layer.get_parameter("weight").numel() for layer in linear_layers(model).values())


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row a setting: BLEU and chrF of the test sentences, size, and work, beside the paper's BLEU."""
    rows = {}
    for label, group in runs.groupby("label", sort=False):
        bleu, chrf = spread(group["bleu"]), spread(group["chrf"])
        rows[label] = {
            "seeds": bleu.n,
            "BLEU": f"{bleu.mean:.2f}" + (f" ({bleu.deviation:.2f})" if bleu.n > 1 else ""),
            "chrF": f"{chrf.mean:.1f}",
            "validation BLEU": f"{group['val_bleu'].mean():.2f}",
            "links": f"{group['links'].iloc[0]:,.0f}",
            "parameters": f"{group['parameters'].iloc[0]:,.0f}",
            "work": f"{group['work'].mean():.0%}",
            "work of sparse layers": f"{group['mean_density'].mean():.0%}",
            "minutes": f"{group['seconds'].median() / 60:.0f}",
            "paper's BLEU": f"{PAPER[str(label)]:.2f}" if label in PAPER else None,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Multi30k, test 2016")


def differences(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the paired differences of BLEU between settings over seeds, with their 95 % intervals."""
    there = set(runs["label"])
    rows = {}
    for first, second in PAIRS:
        if {first, second} <= there:
            gap = compare(runs, first, second, value="bleu", same=("seed",), better="higher").difference
            interval = f"{gap.low:+.2f} to {gap.high:+.2f}" if gap.n > 1 else None
            rows[f"{first} - {second}"] = {"pairs": gap.n, "difference": f"{gap.mean:+.2f}", "95 % interval": interval}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("BLEU")


def for_equal_work(curves: pd.DataFrame, works: Sequence[float] = (0.2, 0.3, 0.5, 1.0)) -> pd.DataFrame:
    """Return the validation BLEU of each setting after so much work, the mean over seeds; none where it ends before."""
    rows: dict[Any, dict[str, str]] = {}
    for label, group in curves.groupby("label", sort=False):
        lines = [line.sort_values("work") for _, line in group.groupby("seed")]
        rows[label] = {
            f"{work:.0%}": f"{np.mean([np.interp(work, line['work'], line['val_bleu']) for line in lines]):.1f}"
            if all(line["work"].min() <= work <= line["work"].max() + 1e-9 for line in lines)
            else ""
            for work in works
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("validation BLEU after work of")


def draw(curves: pd.DataFrame, title: str) -> Figure:
    """Return the figure: validation BLEU over steps and over work, and perplexity over steps; means over seeds."""
    with plotting.style():
        figure = Figure(figsize=(14, 4.8), layout="constrained")
        axes = figure.subplots(1, 3)
        for label, look in line_styles(curves["label"].unique()).items():
            means = curves[curves["label"] == label].groupby("step").mean(numeric_only=True).reset_index()
            for ax, (over, value) in zip(
                axes, (("step", "val_bleu"), ("work", "val_bleu"), ("step", "val_perplexity")), strict=True
            ):
                ax.plot(means[over], means[value], label=label, **look)
        axes[0].set(xlabel="step", ylabel="validation BLEU")
        axes[1].set(xlabel="work, of all steps of the dense network", ylabel="validation BLEU")
        percent_ticks(axes[1].xaxis)
        axes[2].set(xlabel="step", ylabel="validation perplexity", yscale="log")
        legend(axes[2])
        figure.suptitle(title)
    return figure
