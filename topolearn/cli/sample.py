"""`topolearn sample`: text that a trained language model writes."""

import argparse
from pathlib import Path
from typing import Any

from topolearn.terminal import say_content

EXAMPLES = """examples:
  topolearn train language-small --data-dir data/text --dataset tinyshakespeare
  topolearn sample runs/tinyshakespeare-chtss-0.3-s0 --prompt "ROMEO:" --tokens 300
  topolearn sample runs/tinyshakespeare-chtss-0.3-s0 --temperature 0      the likeliest token each time
"""


def add_parser(commands: Any) -> None:
    """Add ``topolearn sample``."""
    parser = commands.add_parser(
        "sample",
        help="let a trained language model write",
        description="Print a prompt, and the text that a language model writes behind it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run directory of a language model")
    parser.add_argument("--prompt", default="", help="where the text begins [an empty one: a document begins]")
    parser.add_argument("--tokens", type=int, default=200, help="the largest number of tokens [%(default)s]")
    parser.add_argument("--temperature", type=float, default=0.8, help="0 takes the likeliest [%(default)s]")
    parser.add_argument("--top-k", type=int, help="draw from so many likeliest tokens [all]")
    parser.add_argument("--top-p", type=float, help="draw from the likeliest that share this probability [all]")
    parser.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="checkpoint [best]")
    parser.add_argument("--device", default="auto", help="where to compute [CUDA where there is any, else the CPU]")
    parser.set_defaults(command=_sample)


def _sample(args: argparse.Namespace) -> None:
    from topolearn.tasks.language import LanguageModel

    model = LanguageModel.load(args.run, args.which, device=args.device)
    options = {"temperature": args.temperature, "top_k": args.top_k, "top_p": args.top_p, "seed": args.seed}
    say_content(args.prompt + model.sample(args.prompt, n_tokens=args.tokens, **options))
