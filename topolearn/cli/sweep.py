"""`topolearn sweep`: train all runs of a study."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topolearn.cli.choices import EXECUTORS
from topolearn.cli.tables import in_columns
from topolearn.errors import InvalidValueError
from topolearn.task_registry import TASKS
from topolearn.terminal import say

EXAMPLES = """examples:
  topolearn sweep study.toml --jobs 4                      four runs at a time; run it again to continue
  topolearn sweep study.toml --list                        the state of each run, without training
  topolearn sweep study.toml --executor dask --option address=tls://host:8786
  topolearn sweep study.toml --executor slurm --jobs 50 --option slurm_partition=gpu --option gpus_per_node=1

a study file:
  name = "digits"
  seeds = [0, 1, 2]
  task = "classification"        # optional

  [base]                         # options of all runs, and parts of the method, as in 'topolearn train'
  dataset = "digits"
  density = 0.05

  [[setting]]
  label = "SET"
  method = "set"

  [[setting]]
  label = "CHTs"
  method = "chts"
  generator_params.beta = 0.1

  [grid]                         # optional: each setting with each combination
  zeta = [0.1, 0.3]
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn sweep``."""
    parser = commands.add_parser(
        "sweep",
        help="train all runs of a study: settings x seeds",
        description="Train the missing runs of a study; finished runs are skipped, and interrupted ones resumed. "
        "Run directories and results.csv are written to DIR. The exit status is 1 if some runs are not done.",
        epilog=EXAMPLES,
    )
    parser.add_argument("study", type=Path, metavar="STUDY.toml", help="file with the settings and seeds")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="results directory [runs/NAME]")
    parser.add_argument(
        "--executor", default="processes", metavar="EXECUTOR", help=f"{', '.join(EXECUTORS)} [processes]"
    )
    parser.add_argument("--jobs", type=int, default=1, help="number of runs at a time [1]")
    parser.add_argument("--threads", type=int, help="CPU threads per run [cores / jobs; 1 on a cluster]")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="executor option: address (dask); cluster, timeout_min, slurm_partition, ... (slurm); may be repeated",
    )
    parser.add_argument("--retry-failed", action="store_true", help="also retry failed runs")
    words = "resume runs even if their files, data or versions have changed; each run records what changed"
    parser.add_argument("--accept-changes", action="store_true", help=words)
    parser.add_argument("--list", action="store_true", help="show the state of each run, and train nothing")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(
        command=_sweep, how_to_continue="run the same command again to continue from the last checkpoints"
    )


def _sweep(args: argparse.Namespace) -> int:
    from topolearn.studies import Study, results, run_study

    study = Study.load(args.study)
    directory = args.dir or Path("runs") / study.name
    if args.list:
        say(_states(results(study, directory)))
        return 0
    table = run_study(
        study,
        directory,
        executor=args.executor,
        jobs=args.jobs,
        threads=args.threads,
        retry_failed=args.retry_failed,
        accept_changes=args.accept_changes,
        options=_parse_options(args.option),
        quiet=args.quiet,
    )
    return _print_results(table, directory, study.task)


def _print_results(table: Any, directory: Path, task: str) -> int:
    """Print the results and the runs that are not done, and return the exit status."""
    from topolearn.studies import summary_table
    from topolearn.studies.directory import DONE
    from topolearn.studies.engine import RESULTS

    if (table["state"] == DONE).any():
        say(f"best {TASKS[task].metric.title}: mean, standard deviation and 95% confidence interval")
        say(in_columns(summary_table(table).round(4), index=True))
    bad = table[table["state"] != DONE]
    if len(bad):
        say(f"{len(bad)} of {len(table)} runs are not done; retry failed runs with --retry-failed:")
        say(_states(bad))
    say(f"results {directory / RESULTS}")
    return 1 if len(bad) else 0


def _states(table: Any) -> str:
    """Return the state of each run as text."""
    from topolearn.studies.identity import DIGITS

    shown = table.assign(run=table["hash"].str[:DIGITS])[["run", "label", "seed", "state", "error"]]
    return "\n".join(line.rstrip() for line in in_columns(shown, justify="left").split("\n"))


def _parse_options(words: Sequence[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` words as options; values are whole numbers or text."""
    options: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidValueError(f"--option {word!r} must be NAME=VALUE, such as address=tls://host:8786")
        options[name] = int(text) if text.isdigit() else text
    return options
