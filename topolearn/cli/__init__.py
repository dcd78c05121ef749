"""`topolearn ...`: one file for each command."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from topolearn.cli import (
    bench,
    count,
    diagnose,
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
from topolearn.errors import TopolearnError
from topolearn.terminal import say, visible, visible_warnings

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

'topolearn COMMAND --help' tells the rest.
"""


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all errors of topolearn are."""

    def error(self, message: str) -> NoReturn:
        """Print the mistake and where help is, and exit with code 2."""
        self.exit(2, f"topolearn: error: {visible(message)} (see '{self.prog} --help')\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, 1 when runs failed, 2 for a mistake of the user, 130 when interrupted."""
    args = _parser().parse_args(argv)
    try:
        with visible_warnings():
            status = args.command(args)
    except (TopolearnError, OSError, MemoryError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        say(f"topolearn: error: {reason}", stream=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("topolearn: interrupted; 'topolearn train --resume RUN' continues the run", stream=sys.stderr)
        return 130
    return status or 0


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="topolearn",
        description="Grow, watch and train sparse neural networks as graphs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
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
        lists,
        verify,
        download,
    ):
        command.add_parser(commands)
    return parser
