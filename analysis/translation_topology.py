"""The topology of a Transformer during translation training: queries and keys, values, feed-forward.

``python -m analysis.translation_topology --runs runs/table2`` measures the finished runs of
``analysis.table2_translation`` at some of their updates, and writes figures/table2_topology.csv, with a row for each
step, place and kind of population, and a figure for each setting. Percolation removes almost nothing at 10 % density;
``--percolation`` trains nothing, but updates fresh networks at 1, 2, 5 and 10 %, and prints the removed links by place.
"""

import argparse
from collections import Counter
from pathlib import Path

import pandas as pd
import torch

import topolearn as tl
from analysis.program import Program
from analysis.table2_translation import planned, study
from analysis.transformer_topology import of_studies, write

FILE = Path("figures/table2_topology.csv")
KINDS = {
    "queries and keys": ("q_proj", "k_proj"), "values": ("v_proj", "out_proj"), "feed-forward": ("fc1", "fc2"),
}  # fmt: skip
DENSITIES = (0.01, 0.02, 0.05, 0.1)


def population(layer: str) -> tuple[str, str]:
    """Return the place of a layer (encoder, decoder, or across from decoder to encoder) and its kind.

    Examples
    --------
    >>> population("model.decoder.layers.0.encoder_attn.q_proj"), population("model.encoder.layers.2.fc1")
    (('across', 'queries and keys'), ('encoder', 'feed-forward'))
    """
    place = "across" if ".encoder_attn." in layer else layer.split(".")[1]
    return place, next(name for name, ends in KINDS.items() if layer.rpartition(".")[2] in ends)


def percolated_at(density: float) -> dict[str, int]:
    """Return the number of links that a CHTs update percolates in a fresh network, by place and kind."""
    from topolearn.tasks.translation import TranslationConfig
    from topolearn.tasks.translation.model import dense_model

    config = TranslationConfig(method="chts", density=density, schedule="noam")
    model, method = dense_model(config, config.vocabulary_size), config.build_method()
    tl.sparsify(model, method, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=9, interval=1)
    optimizer.step()  # changes nothing without gradients
    update = topology.step()
    assert update is not None, "the interval is one step"
    counts: Counter[str] = Counter()
    for name, events in update.items():
        counts[", ".join(population(name))] += len(events.percolated)
    return dict(counts)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="data directory of the runs")
    parser.add_argument("--runs", type=Path, default=Path("runs/table2"), help="where the runs are kept")
    parser.add_argument("--states", type=int, default=12, help="number of states per run to measure")
    parser.add_argument("--percolation", action="store_true", help="print the effect of percolation on fresh networks")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure the runs, and write the table and the figures."""
    if args.percolation:
        print(pd.DataFrame({f"{d:.0%}": percolated_at(d) for d in DENSITIES}).rename_axis("percolated").to_string())
        return
    studies = {"seeds": study("seeds", 3, args.data_dir), "methods": study("methods", 1, args.data_dir)}
    table = of_studies([(each, args.runs / name) for name, each in studies.items()], args.states, population)
    write(table, FILE, planned())


if __name__ == "__main__":
    program().run(main)
