"""`topolearn sample`: generate text with a trained language model."""

import argparse
from pathlib import Path
from typing import Any

from topolearn.terminal import say_content

EXAMPLES = """examples:
  topolearn train language-small --data-dir data/text --dataset tinyshakespeare
  topolearn sample runs/tinyshakespeare-chtss-0.3-s0 --prompt "ROMEO:" --tokens 300
  topolearn sample runs/tinyshakespeare-chtss-0.3-s0 --temperature 0      always the likeliest token
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn sample``."""
    parser = commands.add_parser(
        "sample",
        help="generate text with a trained language model",
        description="Print a prompt and the text with which a language model continues it.",
        epilog=EXAMPLES,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run directory of a language model")
    parser.add_argument("--prompt", default="", help="text to continue [empty: start a new document]")
    words = "maximum number of tokens to generate [%(default)s]"
    parser.add_argument("--tokens", dest="n_tokens", type=int, default=200, metavar="TOKENS", help=words)
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.8,
        help="sampling temperature; 0 always takes the likeliest token [%(default)s]",
    )
    parser.add_argument("--top-k", type=int, help="sample from the K likeliest tokens [all]")
    parser.add_argument(
        "--top-p", type=float, help="sample from the likeliest tokens with this total probability [all]"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed [%(default)s]")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="checkpoint to load [best]")
    parser.add_argument("--device", default="auto", help="device to compute on [CUDA if available, else the CPU]")
    parser.set_defaults(command=_sample)


def _sample(args: argparse.Namespace) -> None:
    from topolearn.tasks.language import LanguageModel

    model = LanguageModel.load(args.run, args.which, device=args.device)
    names = ("n_tokens", "temperature", "top_k", "top_p", "seed")
    say_content(args.prompt + model.sample(args.prompt, **{name: getattr(args, name) for name in names}))
