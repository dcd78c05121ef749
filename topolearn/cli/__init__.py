"""`topolearn ...`: one file for each command."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
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
from topolearn.cli.parser import OneLineParser, in_flags
from topolearn.ends import complain, forget_output, leave_in_peace, stoppable, tell_end
from topolearn.errors import reason_of
from topolearn.terminal import visible_warnings

__all__ = ["main"]

EXAMPLES = """examples:
  topolearn train                                          CHTs at 5 % of the links, on bundled digits
  topolearn train --dataset mnist --data-dir data/mnist --method chts --density 0.01 --epochs 3
  topolearn train --resume runs/digits-chts-0.05-s0        continue a run that was interrupted
  topolearn count translation-wmt17                        what a training costs, before it starts
  topolearn translate runs/multi30k-chtss-0.1-s0 < captions.en    by a model of: topolearn train translation-small
  topolearn sample runs/wikitext-2-chtss-0.3-s0 --prompt "The"     by a model of: topolearn train language-small
  topolearn evaluate runs/A --tasks cola,rte               questions that a language model was not trained for
  topolearn verify runs/A                                  whether a run, a study or a file is whole
  topolearn download mnist                                 its files, into data/mnist
  topolearn sweep study.toml --jobs 4                      settings x seeds, on this machine or a cluster
  topolearn report runs/A --compare runs/B                 a page with pictures, beside another run
  topolearn generate bsw --n-in 784 --n-out 1568 --density 0.01 --beta 0.25 --seed 0 -o layer.npz --plot
  topolearn score layer.npz --method ch3_l3p --top 20      where the next links would grow
  topolearn diagnose layer.npz --null-models 10            what kind of graph a layer is; runs, too
  topolearn doctor                                         what is installed here, and whether it computes rightly

exit status:
  0 done   1 runs of a study are not done, or something is not as it should be
  2 a mistake, or something that is lacking, told in one line
  130 ended by Ctrl-C   143 ended by SIGTERM   141 nobody reads what is written, as after: | head

'topolearn COMMAND --help' tells the rest.
"""
UNREAD = 128 + 13  # as the shell says of a program that SIGPIPE ends; 13 is its number


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status.

    0 is success; 1 says that runs of a study are not done, or that `verify` or `doctor` met something wrong; 2 is a
    mistake of the user, or something that the machine lacks, told in one line; 130 is Ctrl-C (SIGINT) and 143 SIGTERM,
    which leave a run that can be resumed; 141 is an output that nobody reads any more, as after ``| head``.
    """
    args = argparse.Namespace()
    try:
        with stoppable(), _any_letter(), visible_warnings():
            commands = parser()
            args = commands.parse_args(argv)
            if not hasattr(args, "command"):
                commands.error("name a command")
            status = args.command(args) or 0
            if sys.stdout is not None:
                sys.stdout.flush()
            return int(status)
    except KeyboardInterrupt as interrupt:
        return tell_end("topolearn", interrupt, getattr(args, "goes_on", ""))
    except BrokenPipeError:
        return UNREAD
    except Exception as error:
        reason = reason_of(error)
        if reason is None:
            raise
        complain(f"topolearn: error: {in_flags(reason)}")
        return 2
    finally:
        forget_output()
        leave_in_peace()


@contextmanager
def _any_letter() -> Iterator[None]:
    """Write letters that standard output does not have, as under ``PYTHONIOENCODING=ascii``, as escapes."""
    stream: Any = sys.stdout
    if not hasattr(stream, "reconfigure"):
        yield
        return
    errors = stream.errors
    stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with suppress(OSError):  # as it writes what is left first
            stream.reconfigure(errors=errors)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = OneLineParser(
        prog="topolearn",
        description="Grow, watch and train sparse neural networks as graphs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"topolearn {version('topolearn')}")
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
    return whole
