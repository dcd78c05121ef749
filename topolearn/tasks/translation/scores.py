"""Scores of translations with sacrebleu, and tests whether two systems differ."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.tasks.packages import hf_package

SEED = "SACREBLEU_SEED"  # the environment variable with the seed of sacrebleu's resamples


def scores(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """Score translations with BLEU and chrF, like the command ``sacrebleu``.

    Parameters
    ----------
    hypotheses : sequence of str
        Translations, as text (not tokens).
    references : sequence of str
        The reference translation of each.

    Returns
    -------
    dict
        ``bleu`` and ``chrf``, from 0 to 100, and the signatures of how they were computed, ``bleu_signature`` and
        ``chrf_signature``.

    Raises
    ------
    MissingPackageError
        When sacrebleu is not installed.
    InvalidValueError
        When there are no sentences, or their numbers differ.

    References
    ----------
    Papineni et al. (2002), "BLEU"; Popović (2015), "chrF"; Post (2018), "A call for clarity in reporting BLEU scores".

    Examples
    --------
    >>> of_two = scores(["Ein Hund rennt im Park.", "Zwei Männer."], ["Ein Hund rennt im Park.", "Zwei Frauen."])
    >>> round(of_two["bleu"], 1), round(of_two["chrf"], 1)
    (84.4, 74.5)
    >>> of_two["bleu_signature"]
    'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:...'
    """
    _check_pairs(references, hypotheses=hypotheses)
    values, signatures = {}, {}
    for name, metric in _metrics().items():
        values[name] = float(metric.corpus_score(list(hypotheses), [list(references)]).score)
        signatures[f"{name}_signature"] = str(metric.get_signature())
    return values | signatures


@dataclass(frozen=True)
class Comparison:
    """The result of paired bootstrap resampling for two systems and one metric.

    Attributes
    ----------
    first, second : float
        The scores of the two.
    p_value : float
        Probability of a difference this large between equally good systems; 1 for identical translations.
    first_interval, second_interval : tuple of float
        95% intervals of the scores of resamples: the mean minus and plus half the width.
    signature : str
        How the scores were computed, including the seed and the number of resamples.
    """

    first: float
    second: float
    p_value: float
    first_interval: tuple[float, float]
    second_interval: tuple[float, float]
    signature: str

    @property
    def difference(self) -> float:
        """Score of the second minus score of the first."""
        return self.second - self.first


def compare(
    first: Sequence[str],
    second: Sequence[str],
    references: Sequence[str],
    *,
    n_resamples: int = 1000,
    seed: int = 12345,
) -> dict[str, Comparison]:
    """Compare two systems on the same sentences with sacrebleu's paired bootstrap resampling.

    Parameters
    ----------
    first, second : sequence of str
        The translations of the two systems.
    references : sequence of str
    n_resamples : int
    seed : int
        At least 1; with the default, the result equals that of the command ``sacrebleu --paired-bs``.

    Returns
    -------
    dict of Comparison
        With keys ``bleu`` and ``chrf``.

    Raises
    ------
    MissingPackageError
        When sacrebleu is not installed.
    InvalidTypeError, InvalidValueError
        When there are no sentences, their numbers differ, or a number is below 1.

    References
    ----------
    Koehn (2004), "Statistical significance tests for machine translation evaluation".

    Examples
    --------
    >>> references = ["Ein Hund rennt im Park.", "Zwei Männer sitzen hier.", "Das Kind schläft."] * 5
    >>> worse = ["Ein Hund rennt.", "Zwei Männer sitzen.", "Das Kind isst."] * 5
    >>> by_bleu = compare(worse, references, references, n_resamples=100)["bleu"]
    >>> round(by_bleu.difference, 1), by_bleu.p_value < 0.05
    (78.6, True)
    """
    n_resamples, seed = check_size("n_resamples", n_resamples), check_size("seed", seed)  # sacrebleu takes 0 for none
    _check_pairs(references, first=first, second=second)
    systems = [("first", list(first)), ("second", list(second))]
    paired_test = hf_package("sacrebleu.significance").PairedTest
    with _seeded(seed):
        signatures, results = paired_test(systems, _metrics(), [list(references)], "bs", n_resamples)()
    titles = {title.lower().removesuffix("2"): title for title in signatures}
    compared = {name: _comparison(results[titles[name]], str(signatures[titles[name]])) for name in ("bleu", "chrf")}
    if systems[0][1] != systems[1][1]:
        return compared
    return {name: replace(each, p_value=1.0) for name, each in compared.items()}  # sacrebleu says 1 / (n + 1)


def _comparison(results: Sequence[Any], signature: str) -> Comparison:
    first, second = results
    return Comparison(
        float(first.score), float(second.score), float(second.p_value), _interval(first), _interval(second), signature
    )


def _interval(result: Any) -> tuple[float, float]:
    return float(result.mean - result.ci), float(result.mean + result.ci)


def _metrics() -> dict[str, Any]:
    metrics = hf_package("sacrebleu.metrics")
    return {"bleu": metrics.BLEU(), "chrf": metrics.CHRF()}


def _check_pairs(references: Sequence[str], **systems: Sequence[str]) -> None:
    """Raise for lists of different lengths, where sacrebleu ignores the surplus silently."""
    if not len(references):
        raise InvalidValueError("there are no references: give at least one sentence")
    for name, sentences in systems.items():
        if isinstance(sentences, str) or isinstance(references, str):
            raise InvalidValueError(f"{name} and references must be lists of sentences, not one string")
        if len(sentences) != len(references):
            raise InvalidValueError(
                f"{len(sentences)} {name} and {len(references)} references: give one reference per translation"
            )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Set the environment variable with sacrebleu's seed, and restore it afterwards."""
    before = os.environ.get(SEED)
    os.environ[SEED] = str(seed)
    try:
        yield
    finally:
        del os.environ[SEED]
        if before is not None:
            os.environ[SEED] = before
