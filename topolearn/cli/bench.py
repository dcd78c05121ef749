"""`topolearn bench`: how long training steps take on this machine."""

import argparse
import math
import platform
from pathlib import Path
from typing import Any

from topolearn.cli.pictures import check_picture
from topolearn.errors import InvalidValueError
from topolearn.files import check_folder
from topolearn.spreadsheets import write_csv
from topolearn.terminal import say

EXAMPLES = """examples:
  topolearn bench train                                    the paper's MLP, dense and sparse; takes a few minutes
  topolearn bench --calibrate                              which backend is faster here, for backend="auto"
  topolearn bench --calibrate --device cuda                the same on the GPU
  topolearn bench train --density 0.01 0.05 --batch 32 --threads 2 -o bench.csv --plot bench.png
"""


TRAIN_OPTIONS = ("density", "batch", "sizes", "threads", "seconds", "output", "plot")
DENSITIES, BATCHES, SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5), (32, 128), 2.0


def add_parser(commands: Any) -> None:
    """Add ``topolearn bench``."""
    parser = commands.add_parser(
        "bench",
        help="time training steps on this machine",
        description="Time training steps of an MLP, dense and with each sparse backend, alternating in one process.",
        epilog=EXAMPLES,
    )
    parser.add_argument("what", choices=["train"], nargs="?", help="what to time")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="measure which backend is faster on this machine, and save the result for backend='auto'",
    )
    parser.add_argument("--device", help="device to calibrate: cpu, cuda, cuda:1, ... [cpu]")
    parser.add_argument("--density", type=float, nargs="+", help="densities of the sparse layers [0.01 to 0.5]")
    parser.add_argument("--batch", type=int, nargs="+", help="batch sizes [32 128]")
    parser.add_argument(
        "--sizes", type=int, nargs="+", metavar="N", help="features, hidden widths and classes [784 1568 1568 1568 10]"
    )
    parser.add_argument("--threads", type=int, help="CPU threads [torch's default]")
    parser.add_argument("--seconds", type=float, help="time spent on each network in each row [2]")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.csv", help="also write the table to this file")
    parser.add_argument("--plot", type=Path, metavar="FILE.png|.pdf|.svg", help="plot the speed-ups into this file")
    parser.set_defaults(command=_bench)


def _bench(args: argparse.Namespace) -> None:
    if not args.calibrate and args.what is None:
        raise InvalidValueError("nothing to do: give 'train' or --calibrate")
    given = [name for name in TRAIN_OPTIONS if getattr(args, name) is not None]
    if args.what is None and given:
        raise InvalidValueError(f"--{given[0]} is an option of 'topolearn bench train': add 'train', or omit it")
    if args.device is not None and not args.calibrate:
        raise InvalidValueError("--device is an option of --calibrate: 'topolearn bench train' runs on the CPU")
    if args.calibrate:
        _calibrate(args.device or "cpu")
    if args.what is not None:
        _train(args)


def _calibrate(device: str) -> None:
    import pandas as pd

    from topolearn.benchmarks import measure_crossovers
    from topolearn.devices import device_here, processor
    from topolearn.files import written_aside
    from topolearn.sparse.choice import calibration_file, to_json

    place = device_here("device", device)
    crossovers = measure_crossovers(device=place, progress=True)
    file = calibration_file(place.type)
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(file) as aside:
        aside.write_text(to_json(crossovers, {"machine": platform.machine(), "processor": processor()}))
    say("density up to which csr trains a layer faster than masked, by width (rows) and batch size (columns)")
    for threads, table in zip(crossovers.threads, crossovers.densities, strict=True):
        say(f"threads {threads}:" if place.type == "cpu" else f"{place}:")
        say(pd.DataFrame(list(table), index=list(crossovers.widths), columns=list(crossovers.batches)).to_string())
    say(file)


def _train(args: argparse.Namespace) -> None:
    from topolearn.benchmarks import cost_of_auto, crossover, measure_training
    from topolearn.benchmarks.training import PAPER
    from topolearn.threads import thread_count

    densities, batches, sizes = args.density or DENSITIES, args.batch or BATCHES, args.sizes or PAPER
    if args.output is not None:
        check_folder(args.output)
    if args.plot is not None:
        check_picture(args.plot)
    for name, values in (("density", densities), ("batch", batches), ("sizes", sizes)):
        if any(value <= 0 for value in values) or (name == "density" and max(values) > 1):
            raise InvalidValueError(
                f"--{name} {' '.join(map(str, values))}: give positive numbers, densities at most 1"
            )
    if args.sizes and len(args.sizes) < 3:
        raise InvalidValueError(f"--sizes {' '.join(map(str, args.sizes))}: give features, hidden widths and classes")
    if args.threads is not None and args.threads < 1:
        raise InvalidValueError(f"--threads {args.threads}: give at least 1")
    if args.seconds is not None and not args.seconds > 0:
        raise InvalidValueError(f"--seconds {args.seconds}: give a positive number")
    with thread_count(args.threads):
        table = measure_training(densities, batches, sizes=sizes, seconds=args.seconds or SECONDS, progress=True)
    say(table.to_string(index=False))
    for batch in batches:
        density = crossover(table, batch)
        if not math.isnan(density):
            say(f"batch {batch}: csr is faster than dense up to a density of {density:.0%}")
    say(f'backend="auto" takes at most {cost_of_auto(table).max():.2f} times as long as the better backend')
    if args.output:
        write_csv(table, args.output)
    if args.plot:
        from topolearn import plotting

        figure = plotting.training_speed(table).get_figure(root=True)
        assert figure is not None
        figure.savefig(args.plot)
        say(args.plot)
