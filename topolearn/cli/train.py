"""`topolearn train`: train a network, or resume a run."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from topolearn.errors import InvalidValueError
from topolearn.task_registry import DEFAULT, TASKS, imported, preset, task_of
from topolearn.terminal import say
from topolearn.training.options import SharedOptions, TrainOptions

EXAMPLES = """examples:
  topolearn train                                          CHTs at 5% density on the bundled digits
  topolearn train --dataset mnist --data-dir data/mnist --method chts --density 0.01 --epochs 3
  topolearn train --method set --set zeta=0.2 --set generator=bsw --update-interval 10
  topolearn train experiment.toml --seed 3                 a file of options, with one overridden
  topolearn train translation-small --set zeta=0.2         a preset for another task
  topolearn train --resume runs/digits-chts-0.05-s0        continue an interrupted run
  topolearn train --resume runs/digits-chts-0.05-s0 --device cpu   continue on another device
  torchrun --nproc-per-node 4 -m topolearn train           four processes; --resume as above
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn train``."""
    parser = commands.add_parser(
        "train",
        help="train a network and write a run directory",
        description="Train a network. Its run directory has the configuration, metrics, topology history, checkpoints.",
        epilog=EXAMPLES,
    )
    words = "a TOML file of options, or the name of a preset"
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG.toml", help=words)
    parser.add_argument("--resume", type=Path, metavar="RUN", help="continue the run in this directory")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.add_argument("--report", action="store_true", help="write report.html at the end, like 'topolearn report'")
    words = "replace the run in the directory, if there is one"
    parser.add_argument("--overwrite", action="store_true", help=words)
    words = "with --resume: continue even if files, data or versions have changed; the run records what changed"
    parser.add_argument("--accept-changes", action="store_true", help=words)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="COMPONENT=VALUE",
        help="override a component of the method: generator, removal, regrowth, zeta, zeta_schedule, percolation, "
        "softness=0.5,0.75, density_schedule, start_density, ...; parameters as in generator_params.beta=0.1 or "
        "score_params.alpha=0.5, densities of layers as in distribution.hidden1=0.1; 'none' removes a component; may "
        "be repeated",
    )
    shared = {f.name for f in fields(SharedOptions)}
    for f in sorted(fields(TrainOptions), key=lambda f: f.name in shared):  # the task's own options come first
        if f.name == "overrides":
            continue
        shown = " ".join(f.default) if isinstance(f.default, tuple) else f.default
        default = "" if f.default is None or f.type is bool else f" [{shown}]"
        if f.type is bool:
            option, words = f"--{f.name.replace('_', '-')}", f.metadata["help"]
            parser.add_argument(option, action="store_true", default=argparse.SUPPRESS, help=words)
            continue
        kind, several = _argument_type(f.name, f.type)
        parser.add_argument(
            f"--{f.name.replace('_', '-')}",
            type=kind,
            nargs="+" if several else None,
            default=argparse.SUPPRESS,
            metavar=f.name.upper() if kind is str else kind.__name__.upper(),
            help=(f.metadata["help"] + default).replace("%", "%%"),
        )
    parser.set_defaults(command=_train)


def _argument_type(name: str, annotation: Any) -> tuple[Callable[[str], Any], bool]:
    """Return the type of an option's value, and whether the option takes several values."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for kind in (int, float, str):
        if kind.__name__ in text:
            return kind, text.startswith("tuple")
    raise TypeError(f"option {name!r} has type {text}, which the command line cannot read")


def _train(args: argparse.Namespace) -> None:
    from topolearn.distributed import joined

    with joined():
        _train_here(args)


def _train_here(args: argparse.Namespace) -> None:
    from topolearn.recording.environment import is_first_rank

    given = {f.name: getattr(args, f.name) for f in fields(TrainOptions) if hasattr(args, f.name)}
    if args.set:
        given["overrides"] = _parse_overrides(args.set)
    if args.accept_changes and not args.resume:
        raise InvalidValueError("--accept-changes needs --resume RUN")
    run = _resumed(args, given) if args.resume else _trained(args, given)
    if not is_first_rank():
        return
    task, summary = run.task, run.summary
    best, last = (task.metric.text(summary[name]) for name in (task.best, task.last))
    say(
        f"best {task.metric.title} {best} ({task.clock} {summary[task.best_at]}), last {last}, "
        f"{summary['n_links']} links, {summary['active_neurons']:.1%} of hidden neurons active, "
        f"{summary['n_updates']} topology updates, {summary['seconds']:.1f} s\nrun     {run.path}"
    )
    if args.report:
        say(f"report  {run.report()}")


def _trained(args: argparse.Namespace, given: dict[str, Any]) -> Any:
    """Train from a file or preset, or with the default task, with the given options on top; return the run."""
    from topolearn.recording import train

    file = preset(args.config) if args.config else None
    task = task_of(file) if file else TASKS[DEFAULT]
    configuration = imported(task.config)
    config = configuration.load(file) if file else configuration()
    return train(config.with_values(given), overwrite=args.overwrite, quiet=args.quiet)


def _resumed(args: argparse.Namespace, given: dict[str, Any]) -> Any:
    from topolearn.recording import Run, resume
    from topolearn.training.run_directory import continuing

    place = {name: given.pop(name) for name in ("device",) if name in given}
    if given or args.config or args.overwrite:
        raise InvalidValueError(
            "--resume takes no options other than --device, --accept-changes, --quiet and --report: a run continues "
            "with its own configuration"
        )
    run = Run(args.resume)
    if run.task is not None and run.is_complete:
        raise InvalidValueError(f"run {args.resume} is complete: start another, or see 'topolearn report'")
    args.how_to_continue = continuing(run.path)
    return resume(args.resume, **place, accept_changes=args.accept_changes, quiet=args.quiet)


def _parse_overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """Return ``COMPONENT=VALUE`` words as overrides: numbers, true, false, none, text, or comma-separated lists."""
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise InvalidValueError(f"--set {assignment!r} must be COMPONENT=VALUE, such as zeta=0.2")
        target = overrides
        group, dot, word = name.partition(".")
        if dot:
            target = overrides.setdefault(group, {})
            if not isinstance(target, dict):
                raise InvalidValueError(f"--set {group}={target} must be {group}.NAME=VALUE")
            name = word
        target[name] = _parse_value(text)
    return overrides


def _parse_value(text: str) -> Any:
    if "," in text:
        return [_parse_value(item.strip()) for item in text.split(",")]
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
