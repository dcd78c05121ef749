"""Figure 2 of the paper: seconds of path-based and node-based link prediction, over density and over size.

Compares this library's exact path-based CH3-L3p and node-based CH2-L3n with the node-based matrix form of the paper's
authors, measured alternately in one process. In the paper's figure the path-based method, which stores every path,
climbs steeply with density and size, while the node-based one stays low and nearly flat, which is why the paper prefers
it. Without stored paths, the exact score of 1024 x 1024 neurons costs about as much as the matrix form at 5 % density,
and less below. Run it with ``python -m analysis.fig2_runtime``; it writes figures/fig2_runtime.png and .csv.
"""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.benchmarks.link_prediction import measure
from analysis.program import Program
from analysis.tables import write_table
from topolearn import plotting
from topolearn.plotting.drawing.style import axes_or_new, draw_line, line_styles, log_ticks, percent

DENSITIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
SIZES = (128, 256, 512, 1024, 2048, 4096)
LINES = {
    "ch3_l3p ms": "path-based, exact (CH3-L3p)",
    "ch2_l3n ms": "node-based (CH2-L3n)",
    "matrix form ms": "node-based, the authors' matrix form",
}


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--figure", type=Path, default=Path("figures/fig2_runtime.png"))
    parser.add_argument("--table", action="store_true", help="measure nothing: redraw the figure from its table")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, and draw the figure."""
    if not args.table:
        write_table(args.figure.with_suffix(".csv"), measured(args.threads, args.repeats))
    draw(pd.read_csv(args.figure.with_suffix(".csv"))).savefig(args.figure, dpi=130)
    print(args.figure)


def measured(threads: int, repeats: int) -> pd.DataFrame:
    """Return the times of each case."""
    cases = [(1024, density) for density in DENSITIES] + [(size, 0.05) for size in SIZES]
    rows = []
    for i, (size, density) in enumerate(cases, start=1):
        rows.append(measure(size, size, density, threads, repeats))
        print(f"{i} of {len(cases)}:", *(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> Figure:
    """Return the figure of a table of measurements."""
    panels = (
        ("density", "density of the links", table.iloc[: len(DENSITIES)], "1024 x 1024 neurons"),
        ("outputs", "neurons on each side", table.iloc[len(DENSITIES) :], "5 % of the links"),
    )
    with plotting.style():
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        for ax, (column, words, rows, title) in zip(figure.subplots(1, 2), panels, strict=True):
            for name, look in line_styles(LINES).items():
                draw_line(axes_or_new(ax), rows[column], rows[name] / 1e3, label=LINES[name], **look)
            ax.set(xscale="log", yscale="log", xlabel=words, ylabel="seconds", title=title)
            log_ticks(ax.xaxis, percent if column == "density" else "{:,.0f}".format)
            log_ticks(ax.yaxis, "{:g}".format)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(LINES))
        figure.suptitle(f"Scores of all non-links, float32, {table['threads'].iloc[0]} threads of a CPU")
    return figure


if __name__ == "__main__":
    program().run(main)
