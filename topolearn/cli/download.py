"""`topolearn download`: fetch the files of a data set."""

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
        description="Fetch the files of a data set with torchvision, which must be installed "
        "(pip install 'topolearn[download]'), verify them, and put them where 'topolearn train' looks for them. Files "
        "that already exist are not changed. EMNIST is one archive that needs 3 GB of disk space while it is unpacked.",
    )
    parser.add_argument("name", metavar="NAME", help=", ".join(DOWNLOADS))
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="folder in which to create a folder NAME with the files [data]"
    )
    parser.set_defaults(command=_download)


def _download(args: argparse.Namespace) -> None:
    from topolearn.training.data import download

    say(f"{args.name} is in {download(args.name, args.data_dir)}")
