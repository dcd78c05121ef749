"""The topology of a language model during training: queries and keys, values, feed-forward, block by block.

``python -m analysis.language_topology --runs runs/table3`` measures the finished runs of ``analysis.table3_llama`` at
some of their updates, and writes figures/table3_topology.csv, with a row for each step, block and kind of population,
and a figure for each setting.
"""

import argparse
from pathlib import Path

from analysis.program import Program
from analysis.table3_llama import planned, study
from analysis.transformer_topology import of_studies, write

FILE = Path("figures/table3_topology.csv")
KINDS = {
    "queries and keys": ("q_proj", "k_proj"), "values": ("v_proj", "o_proj"),
    "feed-forward": ("gate_proj", "up_proj", "down_proj"),
}  # fmt: skip
GROUPS = {"methods": 2, "starts": 2}  # groups of the study, and their numbers of seeds


def population(layer: str) -> tuple[str, str]:
    """Return the block of a layer, counted from 1, and its kind.

    Examples
    --------
    >>> population("model.layers.0.self_attn.q_proj"), population("model.layers.3.mlp.up_proj")
    (('block 1', 'queries and keys'), ('block 4', 'feed-forward'))
    """
    names = layer.split(".")
    return f"block {int(names[2]) + 1}", next(name for name, ends in KINDS.items() if names[-1] in ends)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="data directory of the runs")
    parser.add_argument("--runs", type=Path, default=Path("runs/table3"), help="where the runs are kept")
    parser.add_argument("--states", type=int, default=12, help="number of states per run to measure")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure the runs, and write the table and the figures."""
    studies = [(study(name, seeds, args.data_dir), args.runs / name) for name, seeds in GROUPS.items()]
    table = of_studies(studies, args.states, population)
    write(table, FILE, planned())


if __name__ == "__main__":
    program().run(main)
