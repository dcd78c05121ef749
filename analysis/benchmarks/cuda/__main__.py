"""Measure a device, or draw the results; see the package."""

import argparse
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from analysis.benchmarks.cuda.backends import table
from analysis.benchmarks.cuda.catalogue import MOST_MIB, STAGES, carried_mib, estimate
from analysis.benchmarks.cuda.goals import goals, to_markdown
from analysis.benchmarks.cuda.session import JSON, Runner, Session, here, in_process
from analysis.benchmarks.cuda.sizes import REAL, SMALL
from analysis.benchmarks.cuda.stage import Row
from topolearn.devices import device_here
from topolearn.errors import MissingFileError, TopolearnError
from topolearn.files import read_json, write_json, written_aside
from topolearn.sparse.choice import calibration_file, to_json

GOALS = "cuda.md"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, estimate or draw, depending on the options."""
    args = _parser().parse_args(argv)
    try:
        if args.figure is not None:
            _draw(args.figure)
        elif args.estimate:
            print(estimate(SMALL if args.small else REAL, torch.device(args.device)))
            print(f"to carry: {carried_mib(Path.cwd()):.1f} MiB of {MOST_MIB}")
        elif args.rows is not None:
            _measure_one(args)
        else:
            measure(args.device, args.out, small=args.small, names=args.stages, run=here if args.here else in_process)
    except TopolearnError as error:
        raise SystemExit(f"analysis.benchmarks.cuda: error: {error}") from None


def measure(device: str, out: Path, *, small: bool, names: Sequence[str], run: Runner) -> dict[str, object]:
    """Measure stages, and write the JSON, the goals, and the table of crossovers; return the result.

    Raises
    ------
    InvalidValueError
        When the device does not exist.
    """
    place = device_here("device", device)
    out.mkdir(parents=True, exist_ok=True)
    result = Session(place, out, small=small, run=run).measure(names)
    lines = goals(result)
    result["goals"] = [line._asdict() for line in lines]
    write_json(out / JSON, result)
    text = to_markdown(lines)
    with written_aside(out / GOALS) as aside:
        aside.write_text(text + "\n", encoding="utf-8")
    crossovers = table(result["stages"].get("backends", {}).get("rows", []))
    if crossovers is not None:
        with written_aside(out / calibration_file(place.type).name) as aside:
            aside.write_text(to_json(crossovers, result["about"]), encoding="utf-8")
    print(f"{text}\n{out / JSON}")
    return result


def _measure_one(args: argparse.Namespace) -> None:
    """Measure a stage, and append its rows to a file for the parent process."""
    warnings.simplefilter("ignore")

    def write(row: Row) -> None:
        with args.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    here(STAGES[args.stage], args.small, str(device_here("device", args.device)), write)


def _draw(path: Path) -> None:
    from analysis.benchmarks.cuda.figure import draw

    picture = path.with_suffix(".png")
    if not path.is_file():
        raise MissingFileError(f"there is no result {path}: measure one with --device cuda --out DIR")
    draw(read_json(path)).savefig(picture, dpi=130)
    print(picture)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m analysis.benchmarks.cuda")
    parser.add_argument("--device", default="cuda", help="any torch device [cuda]")
    parser.add_argument("--out", type=Path, default=Path("cuda"), metavar="DIR", help="folder for the results [cuda]")
    parser.add_argument("--small", action="store_true", help="use small sizes, for a test")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="default all")
    parser.add_argument("--here", action="store_true", help="run all in one process, without hard limits")
    parser.add_argument("--estimate", action="store_true", help="print the estimated seconds and the MiB to carry")
    parser.add_argument("--figure", type=Path, metavar="FILE.json", help="draw a result, next to its file")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
