"""Results of Table 2: BLEU, chrF and size compared with the paper, and pairs to compare."""

import pandas as pd

from analysis.transformer_runs import Quality
from topolearn.studies import spread

BLEU = Quality(test="bleu", title="BLEU", validation="val_bleu", better="higher")
# BLEU of the paper's network (512 wide, 6 + 6 blocks) on Multi30k.
PAPER: dict[str, float] = {
    "FC, Xavier": 31.28, "SET 10 %": 28.72, "RigL 10 %": 28.89, "CHTs 10 %": 30.35, "CHTss 10 %": 32.79,
    "GraNet 10 %": 31.06, "GMP 10 %": 27.06, "MEST 10 %": 28.26, "CHTs-GMP 10 %": 30.33, "CHTss 5 %": 32.04,
    "CHTs 5 %": 28.12, "SET 5 %": 27.89,
}  # fmt: skip
PAIRS = (
    ("CHTss 10 %", "FC, small Xavier"), ("CHTss 10 %", "FC, Xavier"), ("FC, small Xavier", "FC, Xavier"),
    ("CHTss 10 %", "CHTs 10 %"), ("CHTs 10 %", "SET 10 %"), ("CHTs 10 %", "RigL 10 %"),
)  # fmt: skip


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per setting: BLEU and chrF on the test sentences, size, work, and the paper's BLEU."""
    rows = {}
    for label, group in runs.groupby("label", sort=False):
        bleu, chrf = spread(group["bleu"]), spread(group["chrf"])
        rows[label] = {
            "seeds": bleu.n,
            "BLEU": f"{bleu.mean:.2f}" + (f" ({bleu.deviation:.2f})" if bleu.n > 1 else ""),
            "chrF": f"{chrf.mean:.1f}",
            "validation BLEU": f"{group['val_bleu'].mean():.2f}",
            "links": f"{group['links'].iloc[0]:,.0f}",
            "parameters": f"{group['parameters'].iloc[0]:,.0f}",
            "work": f"{group['work'].mean():.0%}",
            "work of sparse layers": f"{group['mean_density'].mean():.0%}",
            "minutes": f"{group['seconds'].median() / 60:.0f}",
            "paper's BLEU": f"{PAPER[str(label)]:.2f}" if label in PAPER else None,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Multi30k, test 2016")
