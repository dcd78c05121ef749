"""CSTI on MNIST: where a topology initialised from the data's correlations places its links.

Compares the number of links out of each pixel with the pixel's standard deviation. Run it with
``python -m analysis.csti_mnist --data-dir DIR``; it writes figures/csti_mnist.png.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from analysis.program import Program
from topolearn import plotting
from topolearn.generators import correlated
from topolearn.training import load_dataset

SIDE = 28  # pixels


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with MNIST's IDX files")
    parser.add_argument("--density", type=float, default=0.01)
    parser.add_argument("--n-out", type=int, default=2 * SIDE**2)
    parser.add_argument("--figure", type=Path, default=Path("figures/csti_mnist.png"))
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw the figure, and print the share of links that start in the central half of the image's area."""
    data = load_dataset("mnist", args.data_dir).train_x
    graph = correlated(SIDE**2, args.n_out, args.density, data=data, seed=0)
    fan_out = graph.fan_out.reshape(SIDE, SIDE)
    spread = data.numpy().std(axis=0).reshape(SIDE, SIDE)
    with plotting.style():
        figure = Figure(figsize=(12, 4.6), layout="constrained")
        axes = figure.subplots(1, 3)
        plotting.adjacency(graph, ax=axes[0])
        for ax, image, title in zip(
            axes[1:], (fan_out, spread), ("links out of each pixel", "standard deviation of each pixel"), strict=True
        ):
            figure.colorbar(ax.imshow(image, cmap="Blues"), ax=ax)
            ax.set_title(title)
            ax.grid(visible=False)
        figure.suptitle(f"CSTI on MNIST, {SIDE**2} x {args.n_out} neurons, density {args.density:.0%}")
    figure.savefig(args.figure, dpi=110)
    margin = round(SIDE * (1 - np.sqrt(0.5)) / 2)
    centre = fan_out[margin:-margin, margin:-margin]
    print(f"{graph}\n{centre.sum() / fan_out.sum():.1%} of the links start in the central {centre.size / SIDE**2:.0%}")
    print(f"{int((fan_out == 0).sum())} of {SIDE**2} pixels have no links\n{args.figure}")


if __name__ == "__main__":
    program().run(main)
