"""`topolearn evaluate`: zero-shot evaluation of language models."""

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
  topolearn evaluate runs/wikitext-2-chts-0.3-s0           all tasks with local documents (in data/glue)
  topolearn evaluate runs/A runs/B --tasks cola,rte,cb --output zero_shot.csv
  topolearn evaluate runs/A --tasks boolq --limit 100      a quick trial on the first documents
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn evaluate``."""
    parser = commands.add_parser(
        "evaluate",
        help="evaluate language models on zero-shot tasks",
        description="Evaluate the language models of runs on zero-shot tasks as defined by lm-evaluation-harness. "
        "Print accuracy, F1 and the Matthews correlation coefficient (MCC), along with those of the best constant "
        "answer and of the untrained network. 'same' is the share of a model's most frequent answer: at 100% it gives "
        "the same answer to every question.",
        epilog=EXAMPLES,
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories of language models")
    parser.add_argument(
        "--tasks", metavar="NAME,...", help="comma-separated: cola, sst2, rte, cb, copa, boolq, wic, wsc [all of "
        "these]; or, from the Hugging Face hub, mnli, mrpc, qnli, qqp, wnli, hellaswag",
    )  # fmt: skip
    parser.add_argument("--data-dir", type=Path, help="folder whose subfolder glue has the documents [data]")
    parser.add_argument("--limit", type=int, metavar="N", help="use only the first N documents of each task [all]")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N", help="prompts per batch [16]")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="checkpoint to load [best]")
    parser.add_argument(
        "--untrained", choices=("first", "each", "none"), default="first",
        help="also evaluate the untrained network of the first run, of each run, or of none [first]",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", help="device to compute on [CUDA if available, else the CPU]")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.csv", help="also write the exact numbers to this file"
    )
    parser.add_argument("--json", action="store_true", help="print the exact numbers as JSON instead of a table")
    parser.set_defaults(command=_evaluate)


def _evaluate(args: argparse.Namespace) -> None:
    from topolearn.tasks.zero_shot import LOCAL, evaluate_runs

    if args.output is not None:
        check_folder(args.output)
    if len(set(args.runs)) < len(args.runs):
        raise InvalidValueError("the same run is given twice: give each run once")
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
    """Return the table as text, in percent except for MCC, with each task named once."""
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
    """Return how often the first model beats each other model over all tasks, in accuracy and in MCC."""
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
