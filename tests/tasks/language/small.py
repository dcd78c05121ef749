"""A tiny language model, and made-up text that it can learn."""

import numpy as np

from topolearn.tasks.language import LanguageConfig

WORDS = ["a", "the", "dog", "cat", "man", "runs", "sleeps", "eats", "big", "red", "and", "sees"]
SIZES = {
    "width": 16, "heads": 2, "hidden": 24, "layers": 2, "vocabulary_size": 280, "window": 16, "batch_windows": 4,
    "steps": 12, "evaluate_every": 4, "update_interval": 3, "warmup": 4, "rewarmup": 0, "threads": 1,
    "measures": ("none",),
}  # fmt: skip


def write_corpus(folder):
    """Write documents of a few lines as the splits of a corpus."""
    draws = np.random.default_rng(0)
    for split, n in (("train", 60), ("val", 12), ("test", 6)):
        lines = [" ".join(draws.choice(WORDS, draws.integers(2, 8))) + ".\n" for _ in range(n)]
        (folder / f"{split}.txt").write_text("".join(lines))


def config(folder, name, method="chts", **values):
    density = {} if method == "dense" else {"density": 0.3}
    places = {"dataset": str(folder), "cache_dir": str(folder / "cache"), "run_dir": str(folder / name)}
    return LanguageConfig(method=method, **{**SIZES, **density, **places, **values})
