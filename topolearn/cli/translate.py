"""`topolearn translate`: translate lines of text with a trained model."""

import argparse
import sys
from pathlib import Path
from typing import Any

from topolearn.terminal import say_content

EXAMPLES = """examples:
  topolearn train translation-small --data-dir data        takes about half an hour; needs data/multi30k
  topolearn translate runs/multi30k-chtss-0.1-s0 < captions.en > captions.de
  echo 'A dog runs.' | topolearn translate runs/multi30k-chtss-0.1-s0 --beams 5
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn translate``."""
    parser = commands.add_parser(
        "translate",
        help="translate lines of text with a trained model",
        description="Read sentences from standard input, one per line, and write their translations, one per line.",
        epilog=EXAMPLES,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run directory of a translator")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="checkpoint to load [best]")
    parser.add_argument("--beams", type=int, help="beam width [as in training]")
    parser.add_argument(
        "--length-penalty", type=float, help="hypotheses are scored by log p / length ** penalty [as in training]"
    )
    parser.add_argument("--device", default="auto", help="device to compute on [CUDA if available, else the CPU]")
    parser.set_defaults(command=_translate)


def _translate(args: argparse.Namespace) -> None:
    from topolearn.tasks.translation import Translator, sentences_of

    translator = Translator.load(args.run, args.which, device=args.device)
    sentences = sentences_of(sys.stdin.buffer.read(), "standard input")
    for sentence in translator(sentences, beams=args.beams, length_penalty=args.length_penalty):
        say_content(sentence)
