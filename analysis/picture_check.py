"""Contact sheets of every plot of topolearn: at paper widths, in light and dark, and as different eyes see them.

Each public function of ``topolearn.plotting`` draws into a figure as wide as a column and as a page, with data from
short trainings on the digits. The sheets show the plots as they are, in grey, with simulated deuteranopia, and in a
dark style. Run ``python -m analysis.picture_check --out FOLDER`` from the root of the repository, and inspect them.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import topolearn as tl
from analysis.program import Program
from tests.plotting.every_picture import Drawing, draw_at, every_picture

WIDTHS = {"column": 3.35, "page": 7.0}  # inches
DPI = 110
ACROSS = {"column": 5, "page": 3}  # pictures per row of a sheet
DOWN = 4
Pixels = NDArray[np.uint8]
# G. Machado, M. Oliveira, L. Fernandes, IEEE TVCG 15 (2009) 1291, table 1, severity 1.0; for linear RGB
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def grey(pixels: Pixels) -> Pixels:
    """Return a picture as a printer without colours prints it."""
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def deuteranopia(pixels: Pixels) -> Pixels:
    """Return a picture as eyes without green cones see it."""
    encoded = pixels / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ DEUTERANOPIA.T, 0, 1)
    again = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return (255 * again).round().astype(np.uint8)


EYES: Mapping[str, Callable[[Pixels], Pixels]] = {"light": np.asarray, "grey": grey, "deuteranopia": deuteranopia}


def drawn(draw: Drawing, width: float, *, dark: bool) -> Pixels:
    """Return the pixels of a plot drawn into a given figure."""
    context: Any = pyplot.style.context("dark_background") if dark else nullcontext()
    with context:
        figure = draw_at(draw, width)
    figure.set_dpi(DPI)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]
    pyplot.close(figure)
    return pixels


def sheets(pictures: Mapping[str, Pixels], across: int) -> Iterator[Image.Image]:
    """Yield sheets of pictures with their names; each row is as high as its highest picture."""
    names = list(pictures)
    width = max(p.shape[1] for p in pictures.values()) + 10
    for start in range(0, len(names), across * DOWN):
        shown = names[start : start + across * DOWN]
        rows = [shown[i : i + across] for i in range(0, len(shown), across)]
        heights = [24 + max(pictures[name].shape[0] for name in row) for row in rows]
        sheet = Image.new("RGB", (width * across, sum(heights)), "#C8C8C8")
        for i, row in enumerate(rows):
            for j, name in enumerate(row):
                x, y = j * width, sum(heights[:i])
                sheet.paste(Image.fromarray(pictures[name]), (x, y + 18))
                ImageDraw.Draw(sheet).text((x + 3, y + 3), name, fill="black")
        yield sheet


def trainings(folder: Path) -> list[tl.Run]:
    """Train short runs on the digits, the first with measures."""
    config: dict[str, Any] = {"hidden": (64, 64, 64), "epochs": 8, "density": 0.1, "threads": 1, "backend": "csr"}
    config["update_interval"] = 15
    first = tl.TrainConfig(run_dir=str(folder / "chts"), measures=("closure", "gamma"), **config)
    others = [tl.TrainConfig(run_dir=str(folder / f"seed{i}"), seed=i, **config) for i in range(1, 10)]
    return [tl.train(each, quiet=True) for each in (first, *others)]


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--only", nargs="*", default=[""], help="prefixes of plot names")
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw all sheets."""
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        runs = trainings(Path(folder))
        pictures = {k: v for k, v in every_picture(runs[0], runs).items() if k.startswith(tuple(args.only))}
        for label, width in WIDTHS.items():
            for dark in (False, True):
                shown = {name: drawn(draw, width, dark=dark) for name, draw in pictures.items()}
                for eye, seen in {"dark": np.asarray}.items() if dark else EYES.items():
                    for i, sheet in enumerate(sheets({k: seen(v) for k, v in shown.items()}, ACROSS[label])):
                        sheet.save(args.out / f"{label}-{eye}-{i + 1}.png")
    print(args.out)


if __name__ == "__main__":
    program().run(main)
