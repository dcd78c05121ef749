"""`topolearn evaluate`: how well language models answer tasks for which they were not trained."""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topolearn.errors import InvalidValueError
from topolearn.files import check_folder
from topolearn.spreadsheets import write_csv
from topolearn.terminal import say, say_json, visible

if TYPE_CHECKING:
    import pandas as pd

BASELINES = ("constant answer", "untrained network")
EXAMPLES = """examples:
  topolearn evaluate runs/wikitext-2-chts-0.3-s0           all tasks whose documents are in data/glue
  topolearn evaluate runs/A runs/B --tasks cola,rte,cb --output zero_shot.csv
  topolearn evaluate runs/A --tasks boolq --limit 100      a trial: the first documents
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn evaluate``."""
    parser = commands.add_parser(
        "evaluate",
        help="let language models answer tasks for which they were not trained",
        description="Let the language models of runs answer tasks by the definitions of lm-evaluation-harness, and "
        "print accuracy, F1 and Matthews' correlation coefficient (MCC) beside those of the best constant answer and "
        "of the untrained network. 'same' is the share of a model's commonest answer: 100 % says the same to "
        "everything.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories of language models")
    parser.add_argument(
        "--tasks", metavar="NAME,...", help="which: cola, sst2, rte, cb, copa, boolq, wic, wsc [all of these]; or, "
        "from the hub, mnli, mrpc, qnli, qqp, wnli, hellaswag",
    )  # fmt: skip
    parser.add_argument("--data-dir", type=Path, help="has the documents in a folder glue [data]")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N documents of each task, for a trial [all]")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N", help="prompts at a time [16]")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="checkpoint [best]")
    parser.add_argument(
        "--untrained", choices=("first", "each", "none"), default="first",
        help="whose network answers as its training began, too: that of the first run, of each, or of none [first]",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", help="where to compute [CUDA where there is any, else the CPU]")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.csv", help="write the exact numbers there as well")
    parser.add_argument("--json", action="store_true", help="print the exact numbers as JSON instead of a table")
    parser.set_defaults(command=_evaluate)


def _evaluate(args: argparse.Namespace) -> None:
    from topolearn.tasks.zero_shot import LOCAL, evaluate_runs

    if args.output is not None:
        check_folder(args.output)
    if len(set(args.runs)) < len(args.runs):
        raise InvalidValueError("the same run is named twice: name each once")
    tasks = LOCAL if args.tasks is None else [name.strip() for name in args.tasks.split(",") if name.strip()]
    began = time.perf_counter()
    table = evaluate_runs(
        args.runs, tasks, which=args.which, untrained=args.untrained, data_dir=args.data_dir, limit=args.limit,
        batch_size=args.batch_size, device=args.device,
    )  # fmt: skip
    if args.json:
        say_json(json.loads(table.to_json(orient="records", double_precision=15)))
    else:
        seconds = f"time    {time.perf_counter() - began:.0f} s"
        say(_in_words(table), *map(visible, _comparisons(table)), seconds)
    if args.output is not None:
        write_csv(table, args.output)
        say(f"table   {args.output}", stream=sys.stderr if args.json else sys.stdout)


def _in_words(table: "pd.DataFrame") -> str:
    """Return the table for the screen, in percent but for MCC; each task is named once."""
    columns: dict[str, Iterable[Any]] = {
        "task": table["task"].where(~table["task"].duplicated(), ""),
        "model": table["model"],
        "n": [f"{n:,}" for n in table["n"]],
        "accuracy": [f"{share:.2%}" for share in table["accuracy"]],
        "+-": ["" if math.isnan(error) else f"{error:.2%}" for error in table["stderr"]],
        "F1": [f"{share:.2%}" for share in table["f1"]],
        "of": table["f1_of"],
        "MCC": [f"{mcc:.3f}" for mcc in table["mcc"]],
        "answers": table["commonest"],
        "same": [f"{share:.0%}" for share in table["commonest_share"]],
        "cut": [f"{cut:,}" if cut else "" for cut in table["cut"]],
    }
    left = {"task", "model", "of", "answers"}
    cells = [[title, *map(visible, column)] for title, column in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    aligned = [
        [cell.ljust(width) if column[0] in left else cell.rjust(width) for cell in column]
        for column, width in zip(cells, widths, strict=True)
    ]
    return "\n".join("  ".join(line).rstrip() for line in zip(*aligned, strict=True))


def _comparisons(table: "pd.DataFrame") -> list[str]:
    """Return how often the first model is better than each other one, over tasks, by accuracy and by MCC."""
    from topolearn.studies import compare

    models = [name for name in table["model"].unique() if name not in BASELINES and not name.endswith(", untrained")]
    lines = []
    for other in models[1:]:
        words = []
        for value, title in (("accuracy", "accuracy"), ("mcc", "MCC")):
            result = compare(table, models[0], other, "model", value, same=("task",), better="higher")
            words.append(f"{title} {result.win_rate:.2f} (Wilcoxon p = {result.p_value:.2g})")
        lines.append(f"{models[0]} against {other}, win rate over {table['task'].nunique()} tasks: {', '.join(words)}")
    return lines
