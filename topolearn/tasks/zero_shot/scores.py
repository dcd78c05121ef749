"""Scores of the answers to a task: accuracy, F1, correlation with the truth, and the best constant answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from topolearn.tasks.zero_shot.tasks import ZeroShotTask


@dataclass(frozen=True)
class Answers:
    """The given and the right answers to a task, as numbers.

    Attributes
    ----------
    given, right : ndarray of int, shape (n,)
    n_answers : int
        The number of answers to choose from.
    cut : int
        Number of prompts longer than the model's window, of which only the end was read.
    seconds : float
        Running time.

    Examples
    --------
    >>> answers = Answers(np.array([1, 1, 1, 0]), np.array([1, 0, 1, 0]), 2)
    >>> answers.accuracy, round(answers.mcc, 3), answers.majority, answers.commonest
    (0.75, 0.577, 0.5, (1, 0.75))
    """

    given: np.ndarray
    right: np.ndarray
    n_answers: int
    cut: int = 0
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.right)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float((self.given == self.right).mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the accuracy; NaN for a single answer."""
        n, share = len(self), self.accuracy
        return math.sqrt(share * (1 - share) / (n - 1)) if n > 1 else math.nan

    @property
    def mcc(self) -> float:
        r"""Matthews correlation coefficient of given and right answers; 0 if either are all the same.

        .. math:: \frac{n c - \sum_k g_k r_k}{\sqrt{(n^2 - \sum_k g_k^2)(n^2 - \sum_k r_k^2)}}

        where c of n answers are right, and answer k is given g_k times and right r_k times.

        References
        ----------
        Gorodkin (2004), "Comparing two K-category assignments by a K-category correlation coefficient".
        """
        n, n_right = len(self), int((self.given == self.right).sum())
        given, right = self._counts(self.given), self._counts(self.right)
        free = (n * n - sum(k * k for k in given)) * (n * n - sum(k * k for k in right))
        return (n * n_right - sum(g * r for g, r in zip(given, right, strict=True))) / math.sqrt(free) if free else 0.0

    @property
    def majority(self) -> float:
        """Share of the most frequent right answer: the best accuracy of a constant answer."""
        return max(self._counts(self.right)) / len(self)

    @property
    def commonest(self) -> tuple[int, float]:
        """The most frequent given answer, and its share; 1.0 means that all answers are the same."""
        counts = self._counts(self.given)
        number = int(np.argmax(counts))
        return number, counts[number] / len(self)

    def f1(self, positive: int | None) -> float:
        """Return F1 of one answer, or the mean F1 over all answers; an answer that is never right has 0."""
        of_each = [self._f1(answer) for answer in range(self.n_answers)]
        return sum(of_each) / len(of_each) if positive is None else of_each[positive]

    def score(self, task: ZeroShotTask) -> float:
        """Return the score that papers report for a task: accuracy, or F1."""
        return self.f1(task.positive) if task.score == "f1" else self.accuracy

    def best_constant(self, task: ZeroShotTask) -> Answers:
        """Return the best constant answer, by the score that papers report for the task.

        Examples
        --------
        >>> from topolearn.tasks.zero_shot.tasks import ZERO_SHOT
        >>> answers = Answers(np.array([0, 1, 0]), np.array([0, 1, 1]), 2)
        >>> answers.best_constant(ZERO_SHOT["boolq"]).given.tolist()
        [1, 1, 1]
        """
        options = [Answers(np.full_like(self.right, k), self.right, self.n_answers) for k in range(self.n_answers)]
        return max(options, key=lambda each: (each.score(task), each.accuracy))

    def _f1(self, answer: int) -> float:
        both = int(((self.given == answer) & (self.right == answer)).sum())
        either = int((self.given == answer).sum() + (self.right == answer).sum())
        return 2 * both / either if either else 0.0

    def _counts(self, answers: np.ndarray) -> list[int]:
        return [int(count) for count in np.bincount(answers, minlength=self.n_answers)]
