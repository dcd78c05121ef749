"""The tables of the results pages, each computed from a CSV in figures/ by the program that wrote it."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from analysis import (
    fig4_ablation,
    fig5_scale_free,
    language_results,
    mlp_results,
    preset_search,
    table1_mlp,
    transformer_runs,
    transformer_topology,
    translation_results,
    zero_shot_results,
)
from analysis.benchmarks import speed as benchmark
from topolearn.studies import spread

FIGURES = Path(__file__).resolve().parents[2] / "figures"
DIGITS = 2
NEW_IN_MORE = ("srigl", "deepr", "topkast")  # the other rows of that file repeat the first
Row = tuple[str, str, str]
UPDATE_COLUMNS = ("ms a step", "ms an update", "ms an update, plain torch", "share of training, %")


def read(name: str) -> pd.DataFrame:
    """Return a table of figures/."""
    return pd.read_csv(FIGURES / f"{name}.csv")


def columns(name: str, *chosen: str, index: str, **equal: str) -> pd.DataFrame:
    """Return some columns of a table of figures/, of the rows whose columns have the values ``equal``, as text."""
    table = read(name)
    for column, value in equal.items():
        table = table[table[column].astype(str) == value]
    table = table.set_index(index)[list(chosen)]
    return table.map(lambda each: each if isinstance(each, str) else _short(each))


def table1(dataset: str) -> pd.DataFrame:
    """Return Table 1 for one dataset."""
    return mlp_results.table(read("table1_mlp"), dataset, table1_mlp.PAPER[dataset])


def table1_differences(dataset: str) -> pd.DataFrame:
    """Return the paired differences between the methods of Table 1."""
    return mlp_results.differences(read("table1_mlp"), dataset, table1_mlp.PAIRS)


def table1_short() -> pd.DataFrame:
    """Return the mean accuracy of the best epoch next to the paper's, and the seconds of the slower dataset."""
    runs, rows = read("table1_mlp"), {}
    for label in ("FC", "CHTs (CH3-L3p)", "CHTs (CH2-L3n)", "CHT", "RigL", "SET", "RigL-soft"):
        of_label = runs[runs["label"] == label].groupby("dataset")
        row = {}
        for dataset in table1_mlp.DATASETS:
            paper = table1_mlp.PAPER[dataset].get(label)
            mean = 100 * of_label.get_group(dataset)["best_accuracy"].mean()
            row[mlp_results.TITLES[dataset]] = f"{mean:.2f}" + (f" ({paper[0]:.2f})" if paper else "")
        rows[label] = row | {"seconds": f"{of_label['seconds'].median().max():,.0f}"}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("")


def mnist_methods() -> pd.DataFrame:
    """Return all methods after ten epochs on MNIST."""
    table = pd.concat([read("mnist_methods"), read("mnist_more_methods").iloc[-3:]])
    shown = {
        "last test accuracy": [
            f"{m:.2f} ({s:.2f})" for m, s in zip(table["last_mean"], table["last_std"], strict=True)
        ],
        "best epoch": table["best_mean"].map("{:.2f}".format),
        "links": table["links"].map("{:,}".format),
        "active hidden neurons": table["active_neurons"].map("{:.1f} %".format),
        "overlap": table["overlap"].map("{:.2f}".format).where(table["overlap"].notna(), "-"),
        "links from rare pixels": table["rare_pixels"].map("{:.0f} %".format),
    }
    return pd.DataFrame(shown).set_index(table["method"].to_numpy()).rename_axis("method")


def of_method(name: str) -> pd.DataFrame:
    """Return what was measured of a method: accuracies, BLEU, and milliseconds of an update."""
    rows = [*_mnist_rows(name), *_table1_rows(name), *_translation_rows(name), *_cost_rows(name)]
    return pd.DataFrame(rows, columns=["", "result", "file"]).set_index("")


def _mnist_rows(name: str) -> Iterator[Row]:
    for file in ("mnist_methods", "mnist_more_methods"):
        for row in read(file).itertuples():
            method, _, variant = row.method.partition(", ")
            if method == name and (file == "mnist_methods" or method in NEW_IN_MORE):
                what = f"MNIST, 10 epochs{f', {variant}' if variant else ''}: last accuracy"
                yield what, f"{row.last_mean:.2f} ({row.last_std:.2f})", file


def _table1_rows(name: str) -> Iterator[Row]:
    runs = read("table1_mlp")
    methods = {label: row["method"] for group in table1_mlp.GROUPS.values() for label, row in group.items()}
    methods["RigL-soft"] = "rigl-soft"  # written out as overrides of CHTs, from before it had a name
    chosen = runs[runs["label"].map(methods) == name]
    for (dataset, label), group in chosen.groupby(["dataset", "label"], sort=False):
        accuracy = spread(100 * group["best_accuracy"])
        deviation = f" ({accuracy.deviation:.2f})" if accuracy.n > 1 else ", one seed"
        yield (
            f"{mlp_results.TITLES[dataset]}, 100 epochs, {label}: best accuracy",
            f"{accuracy.mean:.2f}{deviation}",
            "table1_mlp",
        )


def _translation_rows(name: str) -> Iterator[Row]:
    runs = _of_all_steps("table2_translation")
    method = runs["method"].fillna("dense")
    for label, group in runs[method == name].groupby("label", sort=False):
        seeds = "one seed" if len(group) == 1 else f"mean of {len(group)} seeds"
        yield f"Multi30k, {label}: BLEU", f"{group['bleu'].mean():.2f}, {seeds}", "table2_translation"


def _cost_rows(name: str) -> Iterator[Row]:
    costs = read("benchmark_update_cost").query("method == @name and model == 'MLP'")
    for _, row in costs.iterrows():
        phase = "" if pd.isna(row["phase"]) else f", {row['phase']}"
        text = f"{_short(row['ms an update'])} ms, next to {_short(row['ms a step'])} ms per step"
        yield f"an update of the MLP at 1 %{phase}", text, "benchmark_update_cost"


def _of_all_steps(name: str) -> pd.DataFrame:
    """Return the runs of a table without the shorter ones that chose learning rates."""
    runs = read(name)
    return runs[~runs["label"].str.contains(", lr ")]


def translation() -> pd.DataFrame:
    """Return Table 2."""
    return translation_results.table(_of_all_steps("table2_translation"))


def rates(name: str, score: str, title: str) -> pd.DataFrame:
    """Return the validation score by learning rate, at a third of the steps."""
    runs = read(name)
    chosen = runs[runs["label"].str.contains(", lr ")]
    label = chosen["label"].str.split(", lr ").str[0].rename(title)
    table = chosen.assign(lr=chosen["lr"].map("{:g}".format)).pivot_table(score, label, "lr", sort=False)
    return table.map("{:.2f}".format).replace("nan", "-")


def translation_rates() -> pd.DataFrame:
    """Return BLEU by learning rate."""
    return rates("table2_translation", "val_bleu", "BLEU on validation sentences")


def language() -> pd.DataFrame:
    """Return Table 3: the runs of all steps that have ended."""
    return language_results.table(_of_all_steps("table3_llama")).fillna("-")


def language_rates() -> pd.DataFrame:
    """Return perplexity by learning rate."""
    return rates("table3_llama", "perplexity", "validation perplexity")


def language_topology() -> pd.DataFrame:
    """Return what the layers of language models are after their last update."""
    return transformer_topology.last_states(read("table3_topology")).rename_axis("after the last update")


def translation_work() -> pd.DataFrame:
    """Return the validation BLEU after equal work, as a share of the dense network's."""
    curves = read("table2_curves").merge(read("table2_translation")[["label", "seed", "steps"]], on=["label", "seed"])
    whole = curves[curves["steps"] == curves["steps"].max()]  # without the runs that chose the learning rates
    return transformer_runs.for_equal_work(whole, translation_results.BLEU, works=(0.1, 0.2, 0.28, 0.5, 1.0))


def translation_differences() -> pd.DataFrame:
    """Return the paired differences in BLEU between the settings of Table 2, with the p-values of each seed."""
    pairs = translation_results.PAIRS
    table = transformer_runs.differences(read("table2_translation"), translation_results.BLEU, pairs)
    p_values = read("table2_bootstrap").sort_values("seed").groupby(["first", "second"])["p_value"]
    words = {f"{a} - {b}": ", ".join(f"{p:.3f}" for p in group) for (a, b), group in p_values}
    return table.assign(**{"p-value of each seed": [words.get(label) for label in table.index]})


def zero_shot(score: str) -> pd.DataFrame:
    """Return the zero-shot scores of the models of Table 3: accuracy, or MCC."""
    return zero_shot_results.scores(read("table4_zeroshot"), score)


def effects(figure: str, number: str) -> pd.DataFrame:
    """Return one panel of Figure 4 or 5."""
    module = {"fig4": fig4_ablation, "fig5": fig5_scale_free}[figure]
    return list(module.panels(pd.read_csv(FIGURES.parent / module.FILE)).values())[int(number)]


def preset(stage: str) -> pd.DataFrame:
    """Return the ranking of the settings in the first stages, or among the finalists, of the preset search."""
    runs = read("preset_search")
    return preset_search.ranking(runs[(runs["stage"] == "finalists") == (stage == "finalists")])


def preset_gains(dataset: str) -> pd.DataFrame:
    """Return the paired gains of the finalists over the reference."""
    runs = read("preset_search")
    return preset_search.gains(runs[runs["stage"] == "finalists"], dataset)


def speed() -> pd.DataFrame:
    """Return the ratios to each peer, from the smallest to the largest, and the share of the floor."""
    head, _, *lines = benchmark.summary(read("speed")).partition("\n\n")[0].splitlines()
    names, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in (head, *lines))
    return pd.DataFrame(rows, columns=names).set_index(names[0])


def update_cost(model: str) -> pd.DataFrame:
    """Return the milliseconds of a step and of an update by each method, for the MLP or the block."""
    table = columns("benchmark_update_cost", *UPDATE_COLUMNS, index="method", model=model)
    phase = read("benchmark_update_cost").query("model == @model")["phase"].fillna("")
    table.index = [f"{name}, {of}" if of else name for name, of in zip(table.index, phase, strict=True)]
    return table.rename_axis(model)


def wide_layers() -> pd.DataFrame:
    """Return the milliseconds of a step and the peak memory of networks with wide layers."""
    table = read("benchmark_wide_layers").dropna(subset="ms a step")
    table["N"] = table["N"].map("{:,}".format)
    table["GiB"] = (table["MiB"] / 1024).map("{:.1f}".format)
    times = table.pivot_table(["ms a step", "GiB"], ["network", "N"], "threads", aggfunc="first", sort=False)
    shown = {
        "ms per step, one thread": times["ms a step", 1].map("{:,.0f}".format),
        "two threads": times["ms a step", 2].map("{:,.0f}".format),
        "GiB of the whole process": times["GiB", 1],
    }
    return pd.DataFrame(shown).reset_index("N").rename(columns={"N": "neurons per layer"})


def _short(number: float) -> str:
    """Return a number with about three digits, and a hyphen where there is none."""
    if math.isnan(number):
        return "-"
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


TABLES: dict[str, Callable[..., pd.DataFrame]] = {
    "columns": columns,
    "table1": table1,
    "table1-differences": table1_differences,
    "table1-short": table1_short,
    "mnist-methods": mnist_methods,
    "of-method": of_method,
    "translation": translation,
    "translation-rates": translation_rates,
    "translation-differences": translation_differences,
    "translation-work": translation_work,
    "language": language,
    "language-rates": language_rates,
    "language-topology": language_topology,
    "zero-shot": zero_shot,
    "zero-shot-paper": zero_shot_results.paper_table,
    "zero-shot-paper-comparison": zero_shot_results.paper_comparison,
    "effects": effects,
    "speed": speed,
    "update-cost": update_cost,
    "wide-layers": wide_layers,
    "preset": preset,
    "preset-gains": preset_gains,
}
