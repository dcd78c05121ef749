"""`topolearn diagnose`: measures of a graph in a file, or of the topology of a run or checkpoint."""

import argparse
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from topolearn.cli import checkpoints
from topolearn.cli.choices import MEASURES
from topolearn.cli.graphs import HELP, add_options, given_options, read_graph_file
from topolearn.cli.pictures import check_picture
from topolearn.cli.tables import by_graph, by_measure, plain
from topolearn.errors import InvalidValueError, MissingFileError, UndefinedMeasureWarning
from topolearn.terminal import say, say_json, visible

MOST_DRAWN = 60  # a larger figure would exceed the size that can be drawn

EXAMPLES = """examples:
  topolearn diagnose layer.npz                             all quick measures
  topolearn diagnose layer.npz --measures closure omega --null-models 20
  topolearn diagnose runs/A --step 0 --json                the layers and the network of a run before training
  topolearn diagnose model.safetensors --n-heads 12        zeros of any checkpoint: how many links are idle
  topolearn diagnose friends.edges --sides 1 --null-models 20 --plot friends.png     a one-mode graph
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn diagnose``."""
    parser = commands.add_parser(
        "diagnose",
        help="measure a graph, or the topology of a run or a checkpoint",
        description="Print measures of a graph in a file, of each layer of a run and the whole network, or of the "
        "weights in a checkpoint, where idle links (those without effect) and dead attention heads are counted, too. "
        f"Measures: {', '.join(MEASURES)}.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE|RUN|CHECKPOINT",
        help=f"{HELP}; or a run directory; or a checkpoint: a .safetensors file, a folder of them, or the name of a "
        "model on the Hugging Face hub",
    )
    parser.add_argument("--measures", nargs="+", metavar="MEASURE", help="measures to take [all quick ones]")
    parser.add_argument(
        "--null-models", type=int, default=0, metavar="N", help="number of random graphs to compare with [0]"
    )
    parser.add_argument(
        "--step", type=int, metavar="STEP", help="runs: the topology after the updates up to this step [the last]"
    )
    parser.add_argument(
        "--n-heads", type=int, metavar="N", help="checkpoints: number of attention heads [from config.json]"
    )
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="PATTERN",
        help="checkpoints: layers to measure, such as '*.mlp.*' [all that have zeros]",
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed for samples and random graphs [0]")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE.png|.pdf|.svg",
        help="plot adjacency and degrees of each graph into this file",
    )
    add_options(parser)
    parser.set_defaults(command=_diagnose)


def _diagnose(args: argparse.Namespace) -> None:
    if args.plot is not None:
        check_picture(args.plot)
    if checkpoints.is_checkpoint(args.file):
        _diagnose_checkpoint(args)
        return
    if not args.file.exists():
        raise MissingFileError(f"there is no file or run {str(args.file)!r}: check the path")
    for option in ("n_heads", "layers"):
        if getattr(args, option) is not None:
            flag = f"--{option.replace('_', '-')}"
            raise InvalidValueError(f"{flag} applies to checkpoints, and {args.file} is not one: omit it")
    if args.file.is_dir():
        graphs, network = _read_run(args)
    else:
        if args.step is not None:
            raise InvalidValueError(f"--step applies to runs, and {args.file} is not a directory: omit it")
        graphs, network = {args.file.name: read_graph_file(args, quiet=args.json)}, None
    measures, reasons = _measured(graphs, network, args)
    if args.json:
        say_json({name: plain(values) for name, values in measures.items()})
    else:
        say(by_graph(measures), *map(visible, reasons))
    _draw(graphs, args)


def _diagnose_checkpoint(args: argparse.Namespace) -> None:
    from topolearn.integrations.checkpoint_graphs import read_checkpoint
    from topolearn.recording.writing.measuring import NETWORK

    if args.step is not None:
        raise InvalidValueError("--step does not apply to checkpoints: omit it")
    _reject_reading_options(args, "checkpoints")
    network, left_out = read_checkpoint(args.file, n_heads=args.n_heads, layers=args.layers)
    if args.plot is not None and len(network) > MOST_DRAWN:
        raise InvalidValueError(
            f"--plot draws one row per layer, and {args.file} has {len(network)} layers: choose at most {MOST_DRAWN} "
            "with --layers"
        )
    args.measures = args.measures or checkpoints.MEASURES
    measures, reasons = _measured(network.graphs, network, args)
    measures = checkpoints.with_idle_links(measures, network, NETWORK)
    if args.json:
        more = {"(dead heads)": checkpoints.dead_heads(network), "(left out)": dict(left_out)}
        say_json({**{name: plain(values) for name, values in measures.items()}, **more})
    else:
        whole = {NETWORK: measures.pop(NETWORK)}
        notes = [*checkpoints.notes(network, left_out), *reasons]
        say(by_measure(measures), "", by_graph(whole), *map(visible, notes))
    _draw(network.graphs, args)


def _reject_reading_options(args: argparse.Namespace, what: str) -> None:
    """Reject the options of group "reading", which apply to graph files only."""
    for name in given_options(args):
        raise InvalidValueError(f"--{name.replace('_', '-')} applies to graph files, not to {what}: omit it")


def _read_run(args: argparse.Namespace) -> tuple[dict[str, Any], Any]:
    """Return the graphs of a run at a step, and the network that they form."""
    from topolearn.recording import Run

    _reject_reading_options(args, "runs")
    run = Run(args.file)
    if args.step is not None and run.history.layers and args.step > (last := _last_step(run)):
        raise InvalidValueError(f"--step {args.step} is after step {last}, the last of {args.file}: lower it")
    network = run.topology_at(args.step)
    return dict(network.graphs), network


def _last_step(run: Any) -> int:
    """Return the last step that a run has recorded: that of its last update, of its metrics, or of its end."""
    metrics = run.metrics
    logged = metrics["n_steps"].fillna(metrics["step"]) if "n_steps" in metrics else metrics["step"]
    end = run.summary.get("n_steps", 0) if run.is_complete else 0
    return max(run.history.steps[-1], end, *map(int, logged.tail(1)))


def _measured(
    graphs: Mapping[str, Any], network: Any, args: argparse.Namespace
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return the measures of each graph and of the network, and the reasons why some have no value."""
    from topolearn.diagnostics import MEASURES, network_summary, summary
    from topolearn.recording.writing.measuring import NETWORK

    names = args.measures and list(dict.fromkeys(args.measures))
    of_graphs, of_network = names, names
    if names and network is not None:
        of_graphs = [name for name in names if MEASURES[name].of != "network"]
        of_network = [name for name in names if MEASURES[name].of in ("network", "any")]
    options = {"null_models": args.null_models, "seed": args.seed}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UndefinedMeasureWarning)
        measures = {name: summary(graph, of_graphs, **options) for name, graph in graphs.items()}
        if network is not None:
            measures[NETWORK] = network_summary(network, of_network, seed=args.seed)
    return measures, [f"no value: {reason}" for reason in dict.fromkeys(str(each.message) for each in caught)]


def _draw(graphs: Mapping[str, Any], args: argparse.Namespace) -> None:
    """Draw the graphs into the file given by --plot, if any."""
    if args.plot is None:
        return
    from matplotlib.figure import Figure

    from topolearn import plotting

    with plotting.style():
        figure = Figure(figsize=(10, 4.6 * len(graphs)), layout="constrained")
        rows = figure.subplots(len(graphs), 2, squeeze=False)
        for (name, graph), (left, right) in zip(graphs.items(), rows, strict=True):
            plotting.adjacency(graph, ax=left, title=name)
            plotting.degree_distribution(graph, ax=right, fit=True)
        figure.savefig(args.plot, dpi=150)
    say(f"picture {args.plot}", stream=sys.stderr if args.json else sys.stdout)
