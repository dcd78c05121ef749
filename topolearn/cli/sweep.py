"""`topolearn sweep`: the runs of a study."""

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
  topolearn sweep study.toml --jobs 4                      four runs at a time; start it again, and it goes on
  topolearn sweep study.toml --list                        how each run stands, without running any
  topolearn sweep study.toml --executor dask --option address=tcp://host:8786
  topolearn sweep study.toml --executor slurm --jobs 50 --option slurm_partition=gpu --option gpus_per_node=1

a study:
  name = "digits"
  seeds = [0, 1, 2]
  task = "classification"        # what is trained; may be left out

  [base]                         # options of all runs, and parts of their method, by the same names as above
  dataset = "digits"
  density = 0.05

  [[setting]]
  label = "SET"
  method = "set"

  [[setting]]
  label = "CHTs"
  method = "chts"
  generator_params.beta = 0.1

  [grid]                         # if there is one: each setting with each combination
  zeta = [0.1, 0.3]
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn sweep``."""
    parser = commands.add_parser(
        "sweep",
        help="train all runs of a study: settings x seeds",
        description="Train what a study lacks: finished runs are skipped, interrupted ones resumed.\n"
        "DIR gets a run directory for each run, and results.csv. The exit code is 1 when runs failed.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path, metavar="STUDY.toml", help="file with settings and seeds")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="results directory [runs/NAME]")
    parser.add_argument(
        "--executor", default="processes", metavar="EXECUTOR", help=f"{', '.join(EXECUTORS)} [processes]"
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time [1]")
    parser.add_argument("--threads", type=int, help="CPU threads of each run [cores / jobs; 1 on a cluster]")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the executor: address (dask); cluster, timeout_min, slurm_partition, ... (slurm); may be repeated",
    )
    parser.add_argument("--retry-failed", action="store_true", help="take up the runs that failed as well")
    words = "resume runs although their files, data or versions have changed; each notes which"
    parser.add_argument("--accept-changes", action="store_true", help=words)
    parser.add_argument("--list", action="store_true", help="show how each run stands, and run none")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(command=_sweep, goes_on="the same command goes on from the last checkpoints")


def _sweep(args: argparse.Namespace) -> int:
    from topolearn.studies import Study, results, run_study

    study = Study.load(args.study)
    directory = args.dir or Path("runs") / study.name
    if args.list:
        say(_how_they_stand(results(study, directory)))
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
    return _tell(table, directory, study.task)


def _tell(table: Any, directory: Path, task: str) -> int:
    """Print the results, and the runs that are not done; return the exit code."""
    from topolearn.studies import summary_table
    from topolearn.studies.directory import DONE
    from topolearn.studies.engine import RESULTS

    if (table["state"] == DONE).any():
        say(f"best {TASKS[task].metric.title}: mean, deviation and 95 % confidence interval")
        say(in_columns(summary_table(table).round(4), index=True))
    bad = table[table["state"] != DONE]
    if len(bad):
        say(f"{len(bad)} of {len(table)} runs are not done; those that failed are taken up by --retry-failed:")
        say(_how_they_stand(bad))
    say(f"results {directory / RESULTS}")
    return 1 if len(bad) else 0


def _how_they_stand(table: Any) -> str:
    from topolearn.studies.identity import DIGITS

    shown = table.assign(run=table["hash"].str[:DIGITS])[["run", "label", "seed", "state", "error"]]
    return "\n".join(line.rstrip() for line in in_columns(shown, justify="left").split("\n"))


def _parse_options(words: Sequence[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` words as options; values are whole numbers or text."""
    options: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidValueError(f"--option {word!r} must be NAME=VALUE, such as address=tcp://host:8786")
        options[name] = int(text) if text.isdigit() else text
    return options
