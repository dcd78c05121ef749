"""Statistics and tables, compared with values computed by hand and numbers from the paper."""

import itertools

import numpy as np
import pandas as pd
import pytest

from topolearn.errors import InvalidValueError
from topolearn.studies import compare, spread, summary_table, to_latex, to_markdown, wilcoxon_p_value, win_rates

# Table 4 of the paper: accuracy, or F1, of LLaMA-130M on twelve tasks, dense and by CHTss.
DENSE = [65.29, 32.44, 64.96, 50.38, 52.09, 48.38, 49.54, 49.30, 26.95, 43.85, 46.43, 56.00]
CHTSS = [69.13, 32.72, 81.05, 49.37, 53.82, 50.54, 49.08, 52.11, 26.97, 56.79, 50.00, 57.00]


def table(rows, columns=("label", "dataset", "seed", "best_accuracy")):
    return pd.DataFrame(rows, columns=list(columns))


def test_mean_and_deviation_by_hand():
    found = spread([2.0, 4.0, 4.0, 6.0])
    assert (found.n, found.mean) == (4, 4.0)
    assert found.deviation == pytest.approx((8 / 3) ** 0.5)


@pytest.mark.parametrize("values", [[1.0, 3.0], [3.0, 1.0, 2.0]])
def test_the_interval_of_few_values_is_their_range(values):
    """The mean of three resampled values is the largest in 1 case of 27, which is more than 2.5 %."""
    found = spread(values)
    assert (found.low, found.high) == (1.0, 3.0)


def test_the_interval_is_that_of_all_resamples():
    values = np.array([0.0, 1.0, 4.0, 9.0, 16.0, 17.0])
    means = [np.mean(each) for each in itertools.product(values, repeat=6)]
    found = spread(values, confidence=0.8)
    assert (found.low, found.high) == pytest.approx(np.quantile(means, [0.1, 0.9]), abs=0.35)  # a step of the means
    assert spread(values, confidence=0.8, seed=0) == found
    assert spread(values, confidence=0.5).low > found.low


def test_the_interval_of_equal_values_and_of_one():
    equal = spread([0.1, 0.1, 0.1])
    assert (equal.low, equal.high) == (0.1, 0.1)
    one = spread([0.5])
    assert (one.n, one.mean) == (1, 0.5)
    assert np.isnan([one.deviation, one.low, one.high]).all()


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        ([1, 2, 3], [0, 0, 0], 2 / 2**3),
        ([1, 2, 3, 4, 5], [0, 0, 0, 0, 0], 2 / 2**5),
        ([1, 2, 3, -4], [0, 0, 0, 0], 2 * 7 / 2**4),  # ranks 1 + 2 + 3 beside 4: sums of at most 4 in 7 of 16 cases
        ([1, 1], [1, 1], 1.0),
        ([1, 2, 5], [0, 0, 5], 2 / 2**2),  # the equal pair is left out
        (CHTSS, DENSE, 2 * 25 / 2**12),  # lost: ranks 3 + 5; sums of at most 8 in 25 cases. The paper says p < .01
    ],
)
def test_wilcoxon_by_hand(first, second, p):
    assert wilcoxon_p_value(first, second) == pytest.approx(min(p, 1.0))
    assert wilcoxon_p_value(second, first) == pytest.approx(min(p, 1.0))


def test_the_win_rate_of_the_paper():
    rows = [(name, i, 0, value) for name, values in (("FC", DENSE), ("CHTss", CHTSS)) for i, value in enumerate(values)]
    assert win_rates(table(rows)).round(2).to_dict() == {"FC": 0.17, "CHTss": 0.83}
    found = compare(table(rows), "CHTss", "FC")
    assert found.win_rate == pytest.approx(10 / 12)
    assert found.difference.mean == pytest.approx(52.38 - 48.80, abs=0.01)
    assert found.p_value == wilcoxon_p_value(CHTSS, DENSE)


def test_win_rates_of_three_with_ties_and_gaps():
    rows = [
        ("A", "x", 0, 0.9), ("B", "x", 0, 0.8), ("C", "x", 0, 0.7),  # A
        ("A", "x", 1, 0.8), ("B", "x", 1, 0.8), ("C", "x", 1, 0.7),  # A and B
        ("A", "y", 0, 0.1), ("B", "y", 0, 0.2), ("C", "y", 0, 0.3),  # C
        ("A", "y", 1, 0.9), ("B", "y", 1, 0.2),  # C is missing
    ]  # fmt: skip
    found = table(rows)
    assert win_rates(found).to_dict() == pytest.approx({"A": 1.5 / 3, "B": 0.5 / 3, "C": 1 / 3})
    assert win_rates(found, better="lower").to_dict() == pytest.approx({"A": 1 / 3, "B": 0, "C": 2 / 3})
    beside = compare(found, "A", "B")
    assert (beside.difference.n, beside.win_rate) == (4, pytest.approx((1 + 0.5 + 0 + 1) / 4))
    assert beside.difference.mean == pytest.approx((0.1 + 0 - 0.1 + 0.7) / 4)


def test_only_finished_runs_count():
    rows = [("A", "x", 0, 0.9), ("B", "x", 0, 0.8), ("A", "x", 1, 0.1), ("B", "x", 1, 0.8)]
    found = table(rows).assign(state=["done", "done", "failed", "done"])
    assert win_rates(found).to_dict() == {"A": 1.0, "B": 0.0}
    assert summary_table(found)["n"].to_dict() == {"A": 1, "B": 2}


def test_the_factor_may_be_a_value_and_the_condition_several():
    rows = [(0.1, "x", 0, 0.9), (0.2, "x", 0, 0.8)]
    found = table(rows, ["beta", "method", "seed", "last"])
    assert win_rates(found, "beta", "last", same=["method", "seed"]).to_dict() == {0.1: 1.0, 0.2: 0.0}


TWO = table([("A", "x", 0, 0.9), ("B", "x", 0, 0.8)])
RATED = table(
    [("A", 0.1, "x", 0, 0.9), ("B", 0.2, "x", 0, 0.8), ("A", 0.1, "x", 1, 0.7), ("B", 0.2, "x", 1, 0.8)],
    ["label", "zeta", "dataset", "seed", "best_accuracy"],
)


def test_settings_may_be_numbers_or_lists_and_a_condition_one_name():
    assert compare(RATED, 0.1, 0.2, by="zeta").win_rate == 0.5
    assert win_rates(RATED, by="zeta", same="seed").to_dict() == {0.1: 0.5, 0.2: 0.5}
    wide = RATED.assign(hidden=[(16, 8), (24, 8)] * 2)
    assert win_rates(wide, by="hidden").to_dict() == {(16, 8): 0.5, (24, 8): 0.5}
    assert compare(wide, (16, 8), (24, 8), by="hidden").difference.n == 2
    assert (
        to_markdown(summary_table(wide, by="hidden"), digits=1).splitlines()[2]
        == "| (16, 8) | 2 | 0.8 | 0.1 | 0.7 | 0.9 |"
    )


def test_a_setting_without_values_and_runs_without_the_setting_keep_their_rows():
    static = RATED.assign(overlap=[np.nan, 0.5] * 2)
    assert summary_table(static, value="overlap")["n"].to_dict() == {"A": 0, "B": 2}
    lines = to_markdown(summary_table(RATED.replace(0.2, np.nan), by="zeta"), digits=1).splitlines()
    assert lines[2:] == ["| 0.1 | 2 | 0.8 | 0.1 | 0.7 | 0.9 |", "| - | 2 | 0.8 | 0.0 | 0.8 | 0.8 |"]
    unset = RATED.assign(zeta=np.nan)
    assert win_rates(unset, same=["dataset", "seed", "zeta"]).to_dict() == {"A": 0.5, "B": 0.5}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: spread([]), r"values=\[\] must be a non-empty list of finite numbers"),
        (lambda: spread([1, np.nan]), r"must be a non-empty list of finite numbers"),
        (lambda: spread([1, 2], confidence=95), r"confidence=95 must be strictly between 0 and 1"),
        (lambda: spread([1, 2], seed=-1), r"seed=-1 must be at least 0"),
        (lambda: wilcoxon_p_value([1, 2], [1]), r"2 and 1 values are not pairs"),
        (lambda: win_rates(TWO, "lable"), r"no column 'lable': did you mean 'label'\?"),
        (lambda: win_rates(TWO, value="best"), r"no column 'best': Known names: label, dataset"),
        (lambda: win_rates(TWO, better="more"), r"better='more' must be 'higher' or 'lower'"),
        (lambda: win_rates(pd.concat([TWO, TWO])), r"there are several runs with \{'label': 'A', 'dataset': 'x'"),
        (
            lambda: win_rates(TWO.assign(seed=[0, 1])),
            r"no combination of dataset and seed has a finished run for every label",
        ),
        (lambda: compare(TWO, "A", "C"), r"label 'C' \(str\) has no finished run: Known names: A, B"),
        (lambda: compare(RATED, "0.1", 0.2, by="zeta"), r"zeta '0.1' \(str\) has no finished run: .* 0.1, 0.2"),
        (
            lambda: compare(RATED.replace(0.9, np.inf), 0.1, 0.2, by="zeta"),
            r"of zeta 0.1 is not finite .*seed \('x', 0\)",
        ),
        (lambda: win_rates(RATED.replace(0.2, np.nan), by="zeta"), r"2 of 4 finished runs have no 'zeta': set it for"),
        (lambda: win_rates(RATED, value="dataset"), r"value='dataset' is not a column of numbers: it has 'x'"),
        (lambda: summary_table(TWO, value="best"), r"no column 'best'"),
        (lambda: summary_table(TWO, value="dataset"), r"value='dataset' is not a column of numbers: it has 'x'"),
        (lambda: summary_table(RATED.replace(0.7, np.inf), by="zeta"), r"of zeta 0.1 is not finite for seed 1: leave"),
        (lambda: summary_table(TWO.assign(state="failed")), r"none of the 2 runs has finished: finish the study first"),
        (
            lambda: summary_table(TWO.assign(state="failed")[["label", "state"]], value="best_accuracy"),
            r"none of the 2",
        ),
        (lambda: to_markdown(summary_table(TWO), digits=-1), r"digits=-1 must be at least 0"),
        (lambda: summary_table(pd.concat([TWO.assign(hash="a")] * 2)), r"the same run twice: remove one with results"),
    ],
)
def test_mistakes(call, said):
    with pytest.raises(InvalidValueError, match=said):
        call()


def test_tables_in_markdown_and_latex():
    rows = [("A_1|x", "x", 0, 0.5), ("B", "x", 0, 0.75), ("B", "x", 1, 0.25)]
    found = summary_table(table(rows))
    assert list(found.columns) == ["n", "mean", "deviation", "low", "high"]
    assert to_markdown(found, digits=3).splitlines() == [
        "| label | n | mean | deviation | low | high |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        r"| A_1\|x | 1 | 0.500 | - | - | - |",
        "| B | 2 | 0.500 | 0.354 | 0.250 | 0.750 |",
    ]
    lines = to_latex(found, digits=1).splitlines()
    assert lines[0] == r"\begin{tabular}{lrrrrr}"
    assert r"A\_1|x & 1 & 0.5 & - & - & - \\" in lines
    assert r"B & 2 & 0.5 & 0.4 & 0.2 & 0.8 \\" in lines
