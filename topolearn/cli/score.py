"""`topolearn score`: the likeliest missing links of a graph in a file."""

import argparse
from pathlib import Path
from typing import Any

from topolearn.cli.choices import PREDICTORS
from topolearn.cli.graphs import HELP, add_options, read_graph_file
from topolearn.cli.tables import in_columns
from topolearn.errors import InvalidValueError
from topolearn.files import check_folder
from topolearn.spreadsheets import write_csv
from topolearn.terminal import say

EXAMPLES = """examples:
  topolearn score layer.npz --top 20                       of a layer that 'topolearn generate' wrote
  topolearn score drugs.tsv --method ch3_l3p --top 20      of two kinds of nodes: a line for each link, two names
  topolearn score friends.edges --sides 1 --evaluate       of one kind of nodes; hide links, and see who finds them
  topolearn score friends.edges --sides 1 --evaluate --sampling degree --method ch3_l3p resource_allocation
                                                           the same links hidden from each, and degrees corrected for
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn score``."""
    parser = commands.add_parser(
        "score",
        help="score the missing links of a graph, and list the best",
        description="List the non-links of a graph with the highest scores, without a matrix of all scores, so that "
        "large graphs fit; or evaluate how well hidden links are found, which makes that matrix.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help=HELP)
    parser.add_argument(
        "--method", nargs="+", default=["ch3_l3p"], metavar="METHOD", help=f"{', '.join(PREDICTORS)} [ch3_l3p]"
    )
    parser.add_argument("--top", type=int, metavar="K", help="how many non-links to list [20]")
    parser.add_argument("--soft", action="store_true", help="sample in proportion to the scores, not the best")
    parser.add_argument("--evaluate", action="store_true", help="hide links instead, and measure how they rank")
    parser.add_argument("--fraction", type=float, help="with --evaluate: share of the links to hide [0.1]")
    parser.add_argument("--repeats", type=int, help="with --evaluate: how often links are hidden [10]")
    parser.add_argument(
        "--sampling", help="with --evaluate: non-links to tell them from, 'uniform' (all) or by 'degree' [uniform]"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed breaks ties and hides links alike [0]")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.csv", help="write the table there as well")
    add_options(parser)
    parser.set_defaults(command=_score)


def _score(args: argparse.Namespace) -> None:
    import pandas as pd

    from topolearn import linkpred

    if args.output is not None:
        check_folder(args.output)
    _refuse_what_is_not_used(args)
    graph = read_graph_file(args)
    say(graph)
    if args.evaluate:
        given = {"fraction": args.fraction, "repeats": args.repeats, "sampling": args.sampling}
        options = {"seed": args.seed, **{word: value for word, value in given.items() if value is not None}}
        evaluated = linkpred.evaluate(graph, args.method, **options).groupby("predictor", sort=False)
        table = pd.DataFrame([{"method": name, **_means(rows)} for name, rows in evaluated]).round(4)
    else:
        options = {"soft": args.soft, "seed": args.seed, "progress": True}
        tables = {
            name: linkpred.predict(graph, name, 20 if args.top is None else args.top, **options) for name in args.method
        }
        table = pd.concat(tables, names=["method"]).reset_index(level=0)
    say(in_columns(table))
    if args.output is not None:
        write_csv(table, args.output)
        say(f"table   {args.output}")


def _refuse_what_is_not_used(args: argparse.Namespace) -> None:
    """Refuse options of the list with --evaluate, and those of the evaluation without it."""
    if args.evaluate and (args.top is not None or args.soft):
        raise InvalidValueError("--evaluate lists no links: leave --top and --soft out")
    if not args.evaluate and any(given is not None for given in (args.fraction, args.repeats, args.sampling)):
        raise InvalidValueError("--fraction, --repeats and --sampling are for --evaluate: add it, or leave them out")


def _means(evaluation: Any) -> dict[str, float]:
    """Return the mean of each measure, and its standard error."""
    columns: dict[str, float] = {}
    for name in ("auc_roc", "auc_pr", "precision"):
        columns[name] = evaluation[name].mean()
        columns[f"{name} +-"] = evaluation[name].sem() if len(evaluation) > 1 else float("nan")
    return columns | {"n_hidden": evaluation["n_hidden"].iloc[0]}
