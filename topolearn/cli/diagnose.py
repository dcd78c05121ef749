"""`topolearn diagnose`: measures of a graph in a file, or of the topology of a run."""

import argparse
import json
import math
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from topolearn.cli.graphs import HELP, read_graph_file
from topolearn.errors import InvalidValueError, MissingFileError, UndefinedMeasureWarning

EXAMPLES = """examples:
  topolearn diagnose layer.npz                             the measures that are quick
  topolearn diagnose layer.npz --measures closure omega --null-models 20
  topolearn diagnose runs/A --step 0 --json                each layer of a run, and the network, before training
  topolearn diagnose friends.edges --one-mode              a graph of one kind of nodes
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn diagnose``."""
    from topolearn.diagnostics import MEASURES

    parser = commands.add_parser(
        "diagnose",
        help="measure a graph, or the topology of a run",
        description="Print measures of a graph in a file, or of every layer of a run and of the whole network. "
        f"There are: {', '.join(MEASURES)}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE|RUN", help=f"{HELP}; or a run directory")
    parser.add_argument("--measures", nargs="+", metavar="MEASURE", help="which ones [all that are quick]")
    parser.add_argument("--null-models", type=int, default=0, metavar="N", help="random graphs to compare with [0]")
    parser.add_argument("--one-mode", action="store_true", help="both names of a line are of one kind of node")
    parser.add_argument("--step", type=int, metavar="STEP", help="of a run: after the updates up to it [the last]")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same samples [0]")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw adjacency and degrees of each layer there")
    parser.set_defaults(command=_diagnose)


def _diagnose(args: argparse.Namespace) -> None:
    if not args.file.exists():
        raise MissingFileError(f"there is no file and no run {str(args.file)!r}: check the path")
    if args.plot is not None:
        _check_picture(args.plot)
    if args.file.is_dir():
        graphs, network = _read_run(args)
    else:
        if args.step is not None:
            raise InvalidValueError(f"--step is for runs, and {args.file} is no directory: leave it out")
        graphs, network = {args.file.name: read_graph_file(args.file, one_mode=args.one_mode)}, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UndefinedMeasureWarning)
        measures = _measured(graphs, network, args)
    if args.json:
        print(json.dumps({name: _plain(values) for name, values in measures.items()}, indent=2))
    else:
        print(_table(measures))
        for reason in dict.fromkeys(str(each.message) for each in caught):
            print(f"no value: {reason}")
    if args.plot is not None:
        _draw(graphs, args.plot)
        print(f"picture {args.plot}", file=sys.stderr if args.json else sys.stdout)


def _read_run(args: argparse.Namespace) -> tuple[dict[str, Any], Any]:
    """Return the graphs of a run at a step, and its network."""
    from topolearn.graph import LayeredNetwork
    from topolearn.recording import Run

    if args.one_mode:
        raise InvalidValueError("--one-mode is for files, and a run's layers have two sides: leave it out")
    history = Run(args.file).history
    if not history.layers:
        raise InvalidValueError(f"the run {args.file} is dense: there is no topology to measure")
    graphs = history.at(history.steps[-1] if args.step is None else args.step)
    return graphs, LayeredNetwork(graphs)


def _measured(graphs: Mapping[str, Any], network: Any, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return the measures of each graph, and of the network those that it has."""
    from topolearn.diagnostics import MEASURES, network_summary, summary
    from topolearn.recording.measuring import NETWORK

    names = args.measures and list(dict.fromkeys(args.measures))
    of_graphs, of_network = names, names
    if names and network is not None:
        of_graphs = [name for name in names if MEASURES[name].of != "network"]
        of_network = [name for name in names if MEASURES[name].of in ("network", "any")]
    options = {"null_models": args.null_models, "seed": args.seed}
    measures = {name: summary(graph, of_graphs, **options) for name, graph in graphs.items()}
    return measures if network is None else {**measures, NETWORK: network_summary(network, of_network, seed=args.seed)}


def _table(measures: Mapping[str, Mapping[str, float]]) -> str:
    """Return a line for each measure, a column for each graph."""
    import pandas as pd

    rows = list(dict.fromkeys(name for values in measures.values() for name in values))
    text = {graph: [_number(values.get(row)) for row in rows] for graph, values in measures.items()}
    return str(pd.DataFrame(text, index=pd.Index(rows)).to_string())


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return "-" if math.isnan(value) else f"{value:,}" if isinstance(value, int) else f"{float(value):.5g}"


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON has them: nothing for what has no value, or is infinite."""
    return {name: (value if isinstance(value, int) else float(value)) if math.isfinite(value) else None
            for name, value in values.items()}  # fmt: skip


def _draw(graphs: Mapping[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    from topolearn import plotting
    from topolearn.graph import BipartiteGraph

    layers = {name: graph for name, graph in graphs.items() if isinstance(graph, BipartiteGraph)}
    if not layers:
        raise InvalidValueError("--plot draws graphs with two sides: leave it out with --one-mode")
    with plotting.style():
        figure = Figure(figsize=(10, 4.6 * len(layers)), layout="constrained")
        rows = figure.subplots(len(layers), 2, squeeze=False)
        for (name, graph), (left, right) in zip(layers.items(), rows, strict=True):
            plotting.adjacency(graph, ax=left, title=name)
            plotting.degree_distribution(graph, ax=right, fit=True)
        figure.savefig(path, dpi=150)


def _check_picture(path: Path) -> None:
    """Refuse a picture that could not be written, before anything is measured."""
    if path.suffix.lower() != ".png":
        raise InvalidValueError(f"--plot {str(path)!r} must end with .png")
    if not path.parent.is_dir():
        raise MissingFileError(f"there is no directory {str(path.parent)!r} to write {path.name!r} into: create it")
