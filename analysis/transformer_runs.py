"""Functions shared by the Transformer studies: finished runs with their work, differences, and learning curves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import nn

from analysis.kept_results import KEY, as_planned, joined, kept_rows
from analysis.tables import runs_in, write_table
from topolearn import plotting
from topolearn.evolution import linear_layers
from topolearn.plotting.drawing.style import axes_or_new, draw_line, line_styles, log_ticks, percent_ticks
from topolearn.recording import Run
from topolearn.studies import Study, compare, results
from topolearn.studies.directory import DONE, StudyDirectory
from topolearn.studies.study import PlannedRun
from topolearn.task_registry import TASKS, imported
from topolearn.tasks.parameters import n_parameters


@dataclass(frozen=True)
class Quality:
    """The score that a study compares networks by.

    Attributes
    ----------
    test, title : str
        The column of the test score, and its readable name.
    validation : str
        The metric during training, for learning curves.
    better : str
        "higher" or "lower".
    also : tuple of str
        Further columns to keep from each evaluation.
    """

    test: str
    title: str
    validation: str
    better: str
    also: tuple[str, ...] = ()

    @property
    def validation_title(self) -> str:
        """The readable name of the metric of learning curves."""
        return f"validation {self.title}"


def finished(
    study: Study, directory: Path, quality: Quality, names: dict[str, str], steps: int, idle: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the finished runs of a study, and the learning curves of all.

    Parameters
    ----------
    study : Study
    directory : Path
        Its results directory.
    quality : Quality
    names : dict of str to str
        Columns of `topolearn.studies.results` to rename.
    steps : int
        Work is measured as a share of this number of steps of the dense network.
    idle : collection of str
        Unused parameters, which do not count.

    Returns
    -------
    runs, curves : DataFrame
        One row per run, with all fields of its configuration, its number of parameters, its work and its mean density;
        and one row per evaluation.
    """
    runs = results(study, directory)
    runs = runs[runs["state"] == DONE].rename(columns=names)
    place, planned = StudyDirectory(directory, study), {(run.label, run.seed): run for run in study.runs()}
    rows, curves = [], []
    for row in runs.to_dict("records"):
        plan = planned[row["label"], row["seed"]]
        trained = place.run(plan)
        assert trained is not None, "it is done"
        line = curve(trained, steps, quality).assign(label=row["label"], seed=row["seed"])
        work = {
            "parameters": parameters_of(trained, idle),
            "work": line["work"].iloc[-1],
            "mean_density": mean_density(trained),
        }
        rows.append(row | plan.config.to_dict() | work)
        curves.append(line)
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()


def write(
    tables: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
    file: Path,
    kept: Sequence[str],
    drawn: Sequence[str],
    planned: Sequence[PlannedRun],
) -> None:
    """Write the finished runs of studies to a file, and their learning curves next to it; see `curves_of`.

    Rows of other planned runs are kept, so that a study can be trained on several machines.
    """
    former = kept_rows(file, planned)
    new = [(runs[list(kept)], curves[list(drawn)].round(5)) for runs, curves in tables if len(runs)]
    if not new and former.empty:
        raise SystemExit(f"no run is finished yet, so {file} is not written")
    former_curves = runs_in(curves_of(file)).merge(former[KEY]) if len(former) else former
    for path, old, fresh in (
        (file, former, [runs for runs, _ in new]),
        (curves_of(file), former_curves, [curves for _, curves in new]),
    ):
        rows = joined(old, pd.concat(fresh, ignore_index=True)) if fresh else old
        write_table(path, as_planned(rows, planned))


def curves_of(file: Path) -> Path:
    """Return the file of learning curves that belongs to a file of finished runs.

    Examples
    --------
    >>> curves_of(Path("figures/table2_translation.csv")).name
    'table2_curves.csv'
    """
    return file.with_stem(f"{file.stem.partition('_')[0]}_curves")


def curve(run: Run, steps: int, quality: Quality) -> pd.DataFrame:
    """Return a row for each evaluation of a run: the score on validation text, and the work so far.

    Work counts one multiplication per token and link of the sparse layers and the generator, as a share of that of
    `steps` steps of the dense network. Attention scores, one percent of it, are left out.
    """
    _, sparse = _dense(run)
    generator = run.config.width * run.config.vocabulary_size
    ends, density = _densities(run)
    evaluated = run.metrics["step"].to_numpy(dtype=float)
    links = np.interp(evaluated, ends, np.concatenate([[0.0], np.cumsum(np.diff(ends) * density * sparse)]))
    work = (links + evaluated * generator) / ((sparse + generator) * steps)
    kept = run.metrics[list(dict.fromkeys(["step", quality.validation, "val_perplexity", *quality.also]))]
    return kept.assign(density=run.metrics["density"], work=work)


def parameters_of(run: Run, idle: Collection[str] = ()) -> int:
    """Return the number of parameters that the trained network uses: links, embeddings, and the rest."""
    model, cells = _dense(run)
    return n_parameters(model, idle) - cells + int(run.summary["n_links"])


def mean_density(run: Run) -> float:
    """Return the density of the sparse layers, averaged over the steps."""
    ends, density = _densities(run)
    return float(np.average(density, weights=np.diff(ends)))


def _densities(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps between which the density is constant, and its values."""
    last, network = float(run.metrics["step"].iloc[-1]), run.network
    ends = np.append(network["step"].to_numpy(dtype=float), last)
    return (np.array([0.0, last]), np.ones(1)) if network.empty else (ends, network["density"].to_numpy())


def _dense(run: Run) -> tuple[nn.Module, int]:
    """Return the dense network of a run, without allocating it, and the number of cells of its sparsifiable layers."""
    model = imported(TASKS[run.config.task].workload)(run.config).model
    return model, sum(layer.get_parameter("weight").numel() for layer in linear_layers(model).values())


def differences(runs: pd.DataFrame, quality: Quality, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return the paired differences in score between settings over seeds, with their 95 % intervals."""
    there = set(runs["label"])
    rows = {}
    for first, second in pairs:
        if {first, second} <= there:
            same: dict[str, Any] = {"value": quality.test, "same": ("seed",), "better": quality.better}
            gap = compare(runs, first, second, **same).difference
            interval = f"{gap.low:+.2f} to {gap.high:+.2f}" if gap.n > 1 else None
            rows[f"{first} - {second}"] = {"pairs": gap.n, "difference": f"{gap.mean:+.2f}", "95 % interval": interval}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(quality.title)


def for_equal_work(
    curves: pd.DataFrame, quality: Quality, works: Sequence[float] = (0.2, 0.3, 0.5, 1.0)
) -> pd.DataFrame:
    """Return the validation score of each setting after given amounts of work, averaged over seeds."""
    rows: dict[Any, dict[str, str]] = {}
    for label, group in curves.groupby("label", sort=False):
        lines = [line.sort_values("work") for _, line in group.groupby("seed")]
        rows[label] = {
            f"{work:.0%}": f"{np.mean([np.interp(work, line['work'], line[quality.validation]) for line in lines]):.1f}"
            if all(line["work"].min() <= work <= line["work"].max() + 1e-9 for line in lines)
            else ""
            for work in works
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(f"{quality.validation_title} after work of")


def draw(curves: pd.DataFrame, quality: Quality, title: str) -> Figure:
    """Return a figure of the score over steps and over work, and of the perplexity over steps; means over seeds."""
    panels = [("step", quality.validation), ("work", quality.validation), ("step", "val_perplexity")]
    panels = list(dict.fromkeys(panels))
    with plotting.style():
        figure = Figure(figsize=(14 / 3 * len(panels), 4.8), layout="constrained")
        axes = figure.subplots(1, len(panels))
        for label, look in line_styles(curves["label"].unique()).items():
            means = curves[curves["label"] == label].groupby("step").mean(numeric_only=True).reset_index()
            for ax, (over, value) in zip(axes, panels, strict=True):
                draw_line(axes_or_new(ax), means[over], means[value], label=label, **look)
        for ax, (over, value) in zip(axes, panels, strict=True):
            ax.set(xlabel="work, relative to the dense network" if over == "work" else "step")
            ax.set(ylabel="validation perplexity" if value == "val_perplexity" else quality.validation_title)
            if over == "work":
                percent_ticks(ax.xaxis)
            if value == "val_perplexity":
                ax.set(yscale="log")
                log_ticks(ax.yaxis, "{:g}".format)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6))
        figure.suptitle(title)
    return figure
