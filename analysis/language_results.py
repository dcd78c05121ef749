"""Results of Table 3: perplexity and size compared with the paper, and pairs to compare."""

import pandas as pd

from analysis.transformer_runs import Quality
from topolearn.studies import spread

PERPLEXITY = Quality(
    test="perplexity", title="perplexity", validation="val_perplexity", better="lower", also=("val_word_perplexity",)
)
# Validation perplexity of the paper's LLaMA-130M on OpenWebText, in bf16.
PAPER: dict[str, float] = {
    "FC": 19.27,
    "SET 70 %": 20.82, "SET 80 %": 22.02, "SET 90 %": 24.73, "SET 95 %": 28.37,
    "RigL 70 %": 25.85, "RigL 80 %": 66.35, "RigL 90 %": 37.18, "RigL 95 %": 49.39,
    "CHTs 70 %": 20.10, "CHTs 80 %": 21.33, "CHTs 90 %": 23.71, "CHTs 95 %": 26.45,
    "MEST 70 %": 21.32, "MEST 80 %": 22.21, "MEST 90 %": 24.98, "MEST 95 %": 27.96,
    "GMP 70 %": 20.49, "GMP 80 %": 22.28, "GMP 90 %": 23.61, "GMP 95 %": 27.16,
    "GraNet 70 %": 22.84, "GraNet 80 %": 29.03, "GraNet 90 %": 26.81, "GraNet 95 %": 61.31,
    "CHTss 70 %": 19.85, "CHTss 80 %": 20.70, "CHTss 90 %": 22.51, "CHTss 95 %": 25.07,
}  # fmt: skip
PAIRS = (
    ("CHTss 70 %", "FC"), ("CHTss 90 %", "FC"), ("CHTs 90 %", "FC"), ("CHTss 70 %", "CHTs 70 %"),
    ("CHTss 90 %", "CHTs 90 %"), ("CHTs 90 %", "SET 90 %"), ("CHTs 90 %", "RigL 90 %"), ("CHTss 90 %", "GraNet 90 %"),
    ("CHTss 90 %", "GMP 90 %"), ("CHTs 90 %, BRF", "CHTs 90 %"), ("CHTs 90 %, history", "CHTs 90 %"),
)  # fmt: skip


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per setting: perplexities, size and work, and the paper's perplexity.

    The perplexity of a word is comparable between tokenizers; *over FC* is the increase in the perplexity of a token
    over the dense network.
    """
    dense, rows = runs.loc[runs["label"] == "FC", "perplexity"], {}
    for label, group in runs.groupby("label", sort=False):
        token = spread(group["perplexity"])
        rows[label] = {
            "seeds": token.n,
            "perplexity": f"{token.mean:.2f}" + (f" ({token.deviation:.2f})" if token.n > 1 else ""),
            "over FC": f"{token.mean / dense.mean() - 1:+.1%}" if len(dense) else None,
            "of a word": f"{group['word_perplexity'].mean():.1f}",
            "on test text": f"{group['test_perplexity'].mean():.2f}",
            "links": f"{group['links'].iloc[0]:,.0f}",
            "parameters": f"{group['parameters'].iloc[0]:,.0f}",
            "work": f"{group['work'].mean():.0%}",
            "work of sparse layers": f"{group['mean_density'].mean():.0%}",
            "minutes": f"{group['seconds'].median() / 60:.0f}",
            "paper's": f"{PAPER[str(label)]:.2f}" if label in PAPER else None,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("WikiText-2, validation")
