"""The command line, `topolearn ...`: one module per command."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from topolearn.cli import (
    bench,
    completion,
    count,
    diagnose,
    doctor,
    download,
    evaluate,
    generate,
    lists,
    report,
    sample,
    score,
    sweep,
    train,
    translate,
    verify,
)
from topolearn.cli.flags import in_flags
from topolearn.cli.parser import OneLineParser
from topolearn.ends import complain, forget_output, leave_in_peace, stoppable, tell_end
from topolearn.errors import reason_of
from topolearn.terminal import visible_warnings
from topolearn.version import own_version

__all__ = ["main"]

EXAMPLES = """examples:
  topolearn train                                          CHTs at 5% density on the bundled digits
  topolearn train --dataset mnist --data-dir data/mnist --method chts --density 0.01 --epochs 3
  topolearn train --resume runs/digits-chts-0.05-s0        continue an interrupted run
  topolearn count translation-wmt17                        what a training run costs, before it starts
  topolearn translate runs/multi30k-chtss-0.1-s0 < captions.en    with a model from: topolearn train translation-small
  topolearn sample runs/wikitext-2-chtss-0.3-s0 --prompt "The"     with a model from: topolearn train language-small
  topolearn evaluate runs/A --tasks cola,rte               zero-shot evaluation of a language model
  topolearn verify runs/A                                  check that a run, study or file is intact
  topolearn download mnist                                 fetch the data set into data/mnist
  topolearn sweep study.toml --jobs 4                      settings x seeds, on this machine or a cluster
  topolearn report runs/A --compare runs/B                 an HTML page with figures, next to another run
  topolearn generate bsw --n-in 784 --n-out 1568 --density 0.01 --beta 0.25 --seed 0 -o layer.npz --plot
  topolearn score layer.npz --method ch3_l3p --top 20      the likeliest next links
  topolearn diagnose layer.npz --null-models 10            graph measures of a layer; works on runs too
  topolearn doctor                                         check that the installation computes correctly

exit status:
  0    success
  1    some runs of a study are not done, or verify or doctor found a problem
  2    an error, explained in one line: invalid input, or something this machine lacks
  130  interrupted by Ctrl-C
  141  the output was closed early, as by: | head
  143  terminated by SIGTERM

Run 'topolearn COMMAND --help' for the options of a command.
"""
UNREAD = 128 + 13  # what a shell reports for a program ended by SIGPIPE (signal 13)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 is success. 1 means that some runs of a study are not done, or that `verify` or `doctor` found a problem. 2 is an
    error that is explained in one line: invalid input, or something that the machine lacks. 130 is Ctrl-C (SIGINT) and
    143 is SIGTERM; both leave a run that can be resumed. 141 is an output that was closed early, as by ``| head``.
    """
    args = argparse.Namespace()
    try:
        with stoppable(), _escaped_letters(), visible_warnings():
            commands = parser()
            args = commands.parse_args(argv)
            if not hasattr(args, "command"):
                commands.error("no command given")
            status = args.command(args) or 0
            if sys.stdout is not None:
                sys.stdout.flush()
            return int(status)
    except KeyboardInterrupt as interrupt:
        how = getattr(args, "how_to_continue", "") or "; ".join(getattr(interrupt, "__notes__", ()))
        return tell_end("topolearn", interrupt, in_flags(how, ()))
    except BrokenPipeError:
        return UNREAD
    except Exception as error:
        reason = reason_of(error)
        if reason is None:
            raise
        has_file = getattr(args, "config", None) is not None
        complain(f"topolearn: error: {in_flags(reason, getattr(args, 'actions', ()), has_file=has_file)}")
        return 2
    finally:
        forget_output()
        leave_in_peace()


@contextmanager
def _escaped_letters() -> Iterator[None]:
    """Escape letters that standard output cannot encode, as under ``PYTHONIOENCODING=ascii``."""
    stream: Any = sys.stdout
    if not hasattr(stream, "reconfigure"):
        yield
        return
    errors = stream.errors
    stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with suppress(OSError):  # reconfiguring flushes first
            stream.reconfigure(errors=errors)


def parser() -> argparse.ArgumentParser:
    """Return the parser for all commands."""
    whole = OneLineParser(
        prog="topolearn",
        description="Grow, watch and train sparse neural networks as graphs.",
        epilog=EXAMPLES,
    )
    whole.add_argument("--version", action="version", version=f"topolearn {own_version()}")
    commands = whole.add_subparsers(metavar="COMMAND")
    for command in (
        train,
        count,
        translate,
        sample,
        evaluate,
        sweep,
        report,
        generate,
        score,
        diagnose,
        bench,
        doctor,
        lists,
        verify,
        download,
        completion,
    ):
        command.add_parser(commands)
    for each in commands.choices.values():
        each.set_defaults(actions=each._actions)
    return whole
