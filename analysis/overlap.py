"""Soft against hard selection: how many removed links return (definition 1 and section 3.1 of the paper).

Trains CHTs twice, with several updates per epoch: once unchanged, with sampling in both halves of a step, and once with
the best scores (the hard rule). Run it with ``python -m analysis.overlap``; it writes figures/overlap_DATASET.png.
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from analysis.program import CONTINUED, Program
from topolearn import plotting
from topolearn.studies import Study, finished_runs, run_study
from topolearn.training import Run

RULES = {
    "soft (CHTs)": {"removal": "weight_magnitude-soft", "regrowth": "ch2_l3n-soft"},
    "hard": {"removal": "weight_magnitude", "regrowth": "ch2_l3n"},
}
FIGURES = Path("figures")


def study(args: argparse.Namespace) -> Study:
    """Return the study of both rules."""
    return Study(
        name="overlap",
        base={
            "dataset": args.dataset,
            "data_dir": args.data_dir,
            "density": args.density,
            "hidden": args.hidden,
            "epochs": args.epochs,
            "update_interval": args.update_interval,
            "threads": args.threads,
        },
        settings=tuple({"label": rule, **options} for rule, options in RULES.items()),
        seeds=(0,),
    )


def draw(runs: dict[str, Run]) -> Figure:
    """Return a figure with the overlap of each run, side by side, over a common axis."""
    with plotting.style():
        figure = Figure(figsize=(11, 4), layout="constrained")
        for ax, (rule, run) in zip(figure.subplots(1, len(runs), sharey=True), runs.items(), strict=True):
            plotting.overlap(run, ax=ax)
            ax.set_title(f"{rule}: best test accuracy {run.summary['best_accuracy']:.1%}")
        config = next(iter(runs.values())).config
        figure.suptitle(
            f"Overlap of removed and regrown links: {config.dataset}, density {config.density:.0%}, "
            f"an update every {config.update_interval} steps"
        )
    return figure


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__, CONTINUED)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--data-dir")
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 256, 256])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--update-interval", type=int, default=9, help="steps between updates [9, five per epoch]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=Path("runs/overlap"), help="where the runs are kept")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train with both rules, and draw."""
    planned = study(args)
    run_study(planned, args.runs, retry_failed=True)
    runs = {rule: run for (rule, _), run in finished_runs(planned, args.runs).items()}
    FIGURES.mkdir(exist_ok=True)
    path = FIGURES / f"overlap_{args.dataset}.png"
    draw(runs).savefig(path, dpi=110)
    for rule, run in runs.items():
        overlap = run.history.updates.groupby("layer")["overlap"].mean()
        print(f"{rule}: mean overlap {overlap.round(3).to_dict()}, best {run.summary['best_accuracy']:.2%}")
    print(path)


if __name__ == "__main__":
    program().run(main)
