"""`topolearn download`: the files of a data set."""

import argparse
from pathlib import Path
from typing import Any

from topolearn.cli.choices import DOWNLOADS
from topolearn.terminal import say


def add_parser(commands: Any) -> None:
    """Add ``topolearn download``."""
    parser = commands.add_parser(
        "download",
        help="fetch the files of a data set",
        description="Fetch the files of a data set through torchvision, which must be installed "
        "(pip install 'topolearn[download]'), verify them, and put them where 'topolearn train' looks for them. Files "
        "that are there are left as they are. EMNIST comes as one archive, and needs 3 GB of disk meanwhile.",
    )
    parser.add_argument("name", metavar="NAME", help=", ".join(DOWNLOADS))
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="the folder that gets a folder NAME of files [data]"
    )
    parser.set_defaults(command=_download)


def _download(args: argparse.Namespace) -> None:
    from topolearn.training.data import download

    say(f"{args.name} is in {download(args.name, args.data_dir)}")
