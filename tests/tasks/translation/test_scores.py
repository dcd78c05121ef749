"""Scores equal those of sacrebleu's command line, digit for digit, and cases that it lets pass are rejected."""

import json
import os
import subprocess
import sys

import pytest

from topolearn.errors import InvalidValueError
from topolearn.tasks.translation import compare, scores

pytest.importorskip("sacrebleu")

REFERENCES = ["Ein Mann schläft im Park.", "Zwei Hunde rennen über die Wiese!", "Das Kind isst „Äpfel“."] * 12
FIRST = ["Ein Mann schläft im Garten.", "Zwei Hunde rennen auf der Wiese.", "Das Kind isst Äpfel."] * 12
SECOND = ["Ein Mann schläft.", "Zwei Hunde rennen über die Wiese!", ""] * 12
DIGITS = 13


def sacrebleu(folder, *options, systems=(FIRST,)):
    """Run the command, and return what it prints."""
    paths = []
    for name, sentences in zip(("references", "first", "second"), (REFERENCES, *systems), strict=False):
        paths.append(folder / name)
        paths[-1].write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", paths[0], "-i", *paths[1:], "-w", str(DIGITS), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_scores_are_those_of_the_command_line(tmp_path):
    printed = json.loads(sacrebleu(tmp_path, "-m", "bleu", "chrf", "-f", "json"))
    ours = scores(FIRST, REFERENCES)
    for name, theirs in zip(("bleu", "chrf"), printed, strict=True):
        assert round(ours[name], DIGITS) == theirs["score"]
        assert ours[f"{name}_signature"] == theirs["signature"]
    assert "case:mixed" in ours["bleu_signature"]
    assert "tok:13a" in ours["bleu_signature"]


def test_a_comparison_is_that_of_the_command_line(tmp_path):
    options = ("-m", "bleu", "--paired-bs", "--paired-bs-n", "150", "-f", "json")  # of chrF it makes no JSON
    first, second = json.loads(sacrebleu(tmp_path, *options, systems=(FIRST, SECOND)))
    ours = compare(FIRST, SECOND, REFERENCES, n_resamples=150)
    by_bleu = ours["bleu"]
    assert (by_bleu.first, by_bleu.second) == (first["BLEU"]["score"], second["BLEU"]["score"])
    assert by_bleu.p_value == second["BLEU"]["p_value"]
    for theirs, (low, high) in ((first, by_bleu.first_interval), (second, by_bleu.second_interval)):
        assert (low + high) / 2 == pytest.approx(theirs["BLEU"]["mean"])
        assert (high - low) / 2 == pytest.approx(theirs["BLEU"]["ci"])
    assert "bs:150|seed:12345" in by_bleu.signature
    assert ours["chrf"].first == pytest.approx(scores(FIRST, REFERENCES)["chrf"])


def test_equal_systems_are_not_distinguished_and_different_ones_are():
    for same in compare(FIRST, FIRST, REFERENCES, n_resamples=50).values():
        assert (same.p_value, same.difference) == (1, 0)
    better = compare(FIRST, REFERENCES, REFERENCES, n_resamples=50)["chrf"]
    assert better.p_value < 0.05
    assert better.difference == better.second - better.first > 0


def test_resamples_are_a_function_of_the_seed(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "77")
    first, again, other = (compare(FIRST, SECOND, REFERENCES, n_resamples=50, seed=seed)["bleu"] for seed in (1, 1, 2))
    assert first == again
    assert first.first_interval != other.first_interval
    assert os.environ["SACREBLEU_SEED"] == "77"
    monkeypatch.delenv("SACREBLEU_SEED")
    compare(FIRST, SECOND, REFERENCES, n_resamples=2)
    assert "SACREBLEU_SEED" not in os.environ


@pytest.mark.parametrize(
    ("hypotheses", "references", "said"),
    [
        (["a b c d"], ["a b c d", "e"], "1 hypotheses and 2 references: give one reference per translation"),
        (["a", "b"], ["a"], "2 hypotheses and 1 references"),
        ([], [], "there are no references"),
        ("ab", ["a", "b"], "must be lists of sentences, not one string"),
    ],
)
def test_what_cannot_be_scored_is_rejected(hypotheses, references, said):
    with pytest.raises(InvalidValueError, match=said):
        scores(hypotheses, references)


@pytest.mark.parametrize(
    ("first", "second", "options", "said"),
    [
        (["a"], ["b", "c"], {}, "1 first and 2 references"),
        (["a", "b"], ["c"], {}, "1 second and 2 references"),
        (["a", "b"], ["b", "c"], {"seed": 0}, "seed=0 must be at least 1"),
        (["a", "b"], ["b", "c"], {"n_resamples": 0}, "n_resamples=0"),
    ],
)
def test_what_cannot_be_compared_is_rejected(first, second, options, said):
    with pytest.raises(InvalidValueError, match=said):
        compare(first, second, ["a", "b"], **options)
