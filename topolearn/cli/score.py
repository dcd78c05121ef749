"""`topolearn score`: the likeliest missing links of a graph in a file, or an evaluation of link predictors."""

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
  topolearn score layer.npz --top 20                       a layer written by 'topolearn generate'
  topolearn score drugs.tsv --method ch3_l3p --top 20      two kinds of nodes; one link per line, two names
  topolearn score friends.edges --sides 1 --evaluate       one-mode: hide links, and test how well they are predicted
  topolearn score friends.edges --sides 1 --evaluate --sampling degree --method ch3_l3p resource_allocation
                                                           the same hidden links for each, corrected for degree
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn score``."""
    parser = commands.add_parser(
        "score",
        help="score the missing links of a graph and list the best",
        description="List the highest-scoring non-links of a graph, without storing the matrix of all scores, so that "
        "large graphs fit in memory. Or evaluate how well hidden links are predicted, which does store that matrix.",
        epilog=EXAMPLES,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help=HELP)
    parser.add_argument(
        "--method", nargs="+", default=["ch3_l3p"], metavar="METHOD", help=f"{', '.join(PREDICTORS)} [ch3_l3p]"
    )
    parser.add_argument("--top", dest="k", type=int, metavar="K", help="number of non-links to list [20]")
    parser.add_argument(
        "--soft", action="store_true", help="sample non-links in proportion to their scores instead of taking the best"
    )
    parser.add_argument("--evaluate", action="store_true", help="hide links instead, and measure how high they rank")
    parser.add_argument("--fraction", type=float, help="with --evaluate: share of the links to hide [0.1]")
    parser.add_argument("--repeats", type=int, help="with --evaluate: number of random splits [10]")
    parser.add_argument(
        "--sampling",
        help="with --evaluate: how non-links to rank against are drawn, 'uniform' (all) or by 'degree' [uniform]",
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed for ties, samples and hidden links [0]")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.csv", help="also write the table to this file")
    add_options(parser)
    parser.set_defaults(command=_score)


def _score(args: argparse.Namespace) -> None:
    import pandas as pd

    from topolearn import linkpred

    if args.output is not None:
        check_folder(args.output)
    _reject_unused_options(args)
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
            name: linkpred.predict(graph, name, 20 if args.k is None else args.k, **options) for name in args.method
        }
        table = pd.concat(tables, names=["method"]).reset_index(level=0)
    say(in_columns(table))
    if args.output is not None:
        write_csv(table, args.output)
        say(f"table   {args.output}")


def _reject_unused_options(args: argparse.Namespace) -> None:
    """Reject options of the list with --evaluate, and options of the evaluation without it."""
    if args.evaluate and (args.k is not None or args.soft):
        raise InvalidValueError("--evaluate lists no links: omit --top and --soft")
    if not args.evaluate and any(given is not None for given in (args.fraction, args.repeats, args.sampling)):
        raise InvalidValueError("--fraction, --repeats and --sampling need --evaluate: add it, or omit them")


def _means(evaluation: Any) -> dict[str, float]:
    """Return the mean and the standard error of each measure."""
    columns: dict[str, float] = {}
    for name in ("auc_roc", "auc_pr", "precision"):
        columns[name] = evaluation[name].mean()
        columns[f"{name} +-"] = evaluation[name].sem() if len(evaluation) > 1 else float("nan")
    return columns | {"n_hidden": evaluation["n_hidden"].iloc[0]}
