"""A tiny translator, and made-up text that it can learn."""

from pathlib import Path

import numpy as np

from topolearn.tasks.translation import Corpus, ParallelText, TranslationConfig

PAIRS = {
    "a": "ein", "the": "der", "dog": "Hund", "cat": "Katze", "man": "Mann", "runs": "rennt", "sleeps": "schläft",
    "eats": "isst", "big": "groß", "red": "rot", "and": "und", "sees": "sieht",
}  # fmt: skip
SIZES = {
    "width": 16, "heads": 2, "feed_forward": 24, "encoder_layers": 1, "decoder_layers": 1, "vocabulary_size": 300,
    "batch_tokens": 64, "steps": 12, "evaluate_every": 4, "validation_sentences": 4, "update_interval": 3, "warmup": 4,
    "schedule": "noam", "threads": 1, "measures": ("none",), "init": "keep",
}  # fmt: skip


def text(n, seed):
    """Sentences of two to seven words, and their word-by-word translations."""
    draws = np.random.default_rng(seed)
    words = [draws.choice(list(PAIRS), draws.integers(2, 8)) for _ in range(n)]
    source = tuple(" ".join(each) for each in words)
    target = tuple(" ".join(PAIRS[word] for word in each) for each in words)
    return ParallelText(source, target, (Path("made.en"), Path("made.de")))


def corpus():
    return Corpus("made", ("en", "de"), text(60, 0), text(8, 1), text(6, 2))


def write_corpus(folder):
    """Write the made-up text as two files per split."""
    made = corpus()
    for split in ("train", "val", "test"):
        pairs = getattr(made, split)
        for language, sentences in zip(made.languages, (pairs.source, pairs.target), strict=True):
            (folder / f"{split}.{language}").write_text("".join(f"{each}\n" for each in sentences))


def config(run_dir, method="chts", **values):
    density = {} if method == "dense" else {"density": 0.3}
    return TranslationConfig(method=method, run_dir=str(run_dir), **{**SIZES, **density, **values})
