"""Scores of answers, compared with hand calculations, brute force and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics

from topolearn.tasks.zero_shot import ZERO_SHOT, Answers

COLA = np.repeat([0, 1], [322, 721])  # as GLUE has it
QQP = np.repeat([0, 1], [25545, 14885])


@pytest.mark.parametrize("n_answers", [2, 3, 4])
def test_they_are_those_of_scikit_learn(n_answers):
    rng = np.random.default_rng(n_answers)
    for n in (1, 2, 7, 200):
        given, right = rng.integers(0, n_answers, (2, n))
        answers = Answers(given, right, n_answers)
        some = range(n_answers)
        f1 = metrics.f1_score(right, given, labels=some, average=None, zero_division=0)
        assert answers.accuracy == metrics.accuracy_score(right, given)
        assert answers.mcc == pytest.approx(metrics.matthews_corrcoef(right, given), abs=1e-12)
        assert [answers.f1(each) for each in some] == pytest.approx(f1)
        assert answers.f1(None) == pytest.approx(f1.mean())


def test_mcc_of_two_answers_is_the_correlation_of_numbers():
    given, right = np.random.default_rng(0).integers(0, 2, (2, 50))
    assert Answers(given, right, 2).mcc == pytest.approx(np.corrcoef(given, right)[0, 1])


def test_the_standard_error_is_that_of_a_mean():
    given, right = np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 1])
    hits = (given == right).astype(float)
    assert Answers(given, right, 2).standard_error == pytest.approx(hits.std(ddof=1) / math.sqrt(5))
    assert math.isnan(Answers(given[:1], right[:1], 2).standard_error)


def test_a_constant_answer_has_the_share_of_the_majority_and_no_correlation():
    best = Answers(np.zeros_like(COLA), COLA, 2).best_constant(ZERO_SHOT["cola"])
    assert (best.accuracy, best.majority, best.mcc) == (721 / 1043, 721 / 1043, 0.0)
    assert best.commonest == (1, 1.0)
    assert round(100 * best.accuracy, 2) == 69.13
    assert round(100 * best.standard_error, 2) == 1.43


def test_where_f1_is_what_counts_the_best_constant_answer_is_the_positive_one():
    best = Answers(np.zeros_like(QQP), QQP, 2).best_constant(ZERO_SHOT["qqp"])
    assert best.commonest == (1, 1.0)
    assert round(100 * best.f1(1), 2) == 53.82
    assert best.accuracy < best.majority


def test_answers_that_are_all_wrong_have_a_correlation_of_minus_one():
    right = np.array([0, 1, 1, 0])
    assert Answers(1 - right, right, 2).mcc == -1
    assert Answers(right, right, 2).mcc == 1
