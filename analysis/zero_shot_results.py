"""Results of Table 4: scores compared with baselines, constant answers in the paper's table, and win rates."""

from collections.abc import Mapping

import pandas as pd

from topolearn.studies import compare, wilcoxon_p_value
from topolearn.tasks.zero_shot import CONSTANT, UNTRAINED, ZERO_SHOT

SAME = 0.99  # the share of equal answers from which a model counts as constant
# The paper's Table 4, LLaMA-130M: FC, and CHTss with 70 % sparsity; F1 for MRPC and QQP, else accuracy.
PAPER: Mapping[str, tuple[float, float]] = {
    "cola": (65.29, 69.13), "mnli": (32.44, 32.72), "mrpc": (64.96, 81.05), "qnli": (50.38, 49.37),
    "qqp": (52.09, 53.82), "rte": (48.38, 50.54), "sst2": (49.54, 49.08), "wnli": (49.30, 52.11),
    "hellaswag": (26.95, 26.97), "boolq": (43.85, 56.79), "cb": (46.43, 50.00), "copa": (56.00, 57.00),
}  # fmt: skip
# The number of documents in the validation sets of GLUE and SuperGLUE with each correct answer, in the harness's order.
COUNTS: Mapping[str, tuple[int, ...]] = {
    "cola": (322, 721), "mnli": (3479, 3123, 3213), "mrpc": (129, 279), "qnli": (2702, 2761), "qqp": (25545, 14885),
    "rte": (146, 131), "sst2": (428, 444), "wnli": (40, 31), "boolq": (1237, 2033), "cb": (23, 28, 5),
    "copa": (55, 45),
}  # fmt: skip


def constant_scores(task: str) -> dict[str, float]:
    """Return the score in percent of always giving each answer: F1 where papers report it, else accuracy.

    Examples
    --------
    >>> {answer: round(score, 2) for answer, score in constant_scores("cola").items()}
    {'no': 30.87, 'yes': 69.13}
    >>> {answer: round(score, 2) for answer, score in constant_scores("qqp").items()}
    {'no': 0.0, 'yes': 53.82}
    """
    row, counts = ZERO_SHOT[task], COUNTS[task]
    shares = [count / sum(counts) for count in counts]
    if row.score == "f1":
        shares = [2 * share / (1 + share) if k == row.positive else 0.0 for k, share in enumerate(shares)]
    return {answer: 100 * share for answer, share in zip(row.answers, shares, strict=True)}


def constant_with(task: str, score: float) -> str | None:
    """Return the answer that, if always given, has exactly this score, to two decimals.

    Examples
    --------
    >>> constant_with("sst2", 49.08), constant_with("rte", 50.54)
    ('negative', None)
    """
    scores = constant_scores(task) if task in COUNTS else {}
    return next((answer for answer, each in scores.items() if round(each, 2) == score), None)


def paper_table() -> pd.DataFrame:
    """Return the paper's table with the best constant answers, and mark entries that equal a constant answer."""
    rows = {}
    for task, (dense, sparse) in PAPER.items():
        best = max(constant_scores(task).items(), key=lambda pair: pair[1], default=None) if task in COUNTS else None
        same = {"FC": constant_with(task, dense), "CHTss": constant_with(task, sparse)}
        rows[task] = {
            "score": "F1" if ZERO_SHOT[task].score == "f1" else "accuracy",
            "paper, FC": f"{dense:.2f}",
            "paper, CHTss": f"{sparse:.2f}",
            "best constant answer": f"{best[1]:.2f} ({best[0]})" if best else None,
            "is a constant answer": ", ".join(f"{who}: {answer}" for who, answer in same.items() if answer) or None,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("the paper's Table 4")


def paper_comparison() -> pd.DataFrame:
    """Return the comparison of CHTss with FC in the paper's table, for all tasks and without constant answers."""
    varied = {task: pair for task, pair in PAPER.items() if not any(constant_with(task, each) for each in pair)}
    rows = {}
    for name, chosen in (("all tasks", PAPER), ("without constant answers", varied)):
        dense, sparse = zip(*chosen.values(), strict=True)
        wins = sum(b > a for a, b in chosen.values())
        p_value = wilcoxon_p_value(sparse, dense)
        rows[name] = {"tasks": len(chosen), "win rate": f"{wins / len(chosen):.2f}", "Wilcoxon p": f"{p_value:.2g}"}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("the paper's CHTss against its FC")


def scores(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return the score of each setting and task, averaged over seeds; baselines come last.

    Parameters
    ----------
    rows : DataFrame
        As written by `analysis.table4_zeroshot`.
    value : str
        accuracy, f1 or mcc; accuracy and f1 are in percent. A star marks models that nearly always answer the same.
    """
    tasks = list(dict.fromkeys(rows["task"]))
    named = rows["label"].where(rows["model"] == "trained", rows["model"])
    order = [*dict.fromkeys(named[rows["model"] == "trained"]), UNTRAINED, CONSTANT]
    table = {}
    for name in order:
        of_name = rows[named == name]
        if of_name.empty:
            continue
        means = of_name.groupby("task")[value].mean()
        constant = of_name.groupby("task")["commonest_share"].min() >= SAME
        cells = {
            task: _word(means[task], value) + ("*" if constant[task] and name != CONSTANT else "")
            for task in tasks
            if task in means
        }
        table[name] = {**cells, "mean": _word(means.mean(), value) if len(cells) == len(tasks) else None}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis(value)


def wins(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison of each setting with the dense one over tasks and seeds, by accuracy and by MCC."""
    trained = rows[rows["model"] == "trained"]
    dense = list(dict.fromkeys(trained.loc[trained["method"] == "dense", "label"]))
    table: dict[str, dict[str, object]] = {}
    for label in dict.fromkeys(trained["label"]) if dense else ():
        shared = set(trained.loc[trained["label"] == label, "seed"]) & set(
            trained.loc[trained["label"] == dense[0], "seed"]
        )
        if label in dense or not shared:
            continue
        cells: dict[str, object] = {}
        for value in ("accuracy", "mcc"):
            result = compare(trained, label, dense[0], "label", value, same=("task", "seed"), better="higher")
            cells |= {
                "pairs": result.difference.n,
                f"{value}, win rate": f"{result.win_rate:.2f}",
                f"{value}, Wilcoxon p": f"{result.p_value:.2g}",
            }
        table[label] = cells
    return pd.DataFrame.from_dict(table, orient="index").rename_axis(f"against {dense[0]}" if dense else "no dense run")


def _word(value: float, name: str) -> str:
    return f"{value:.3f}" if name == "mcc" else f"{100 * value:.2f}"
