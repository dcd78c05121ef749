"""The main plots look as before: they are compared with those in ``images``, pixel by pixel, up to a tolerance.

After an intended change, regenerate them with ``python -m pytest tests/plotting/test_images.py --new-images``, and look
at each.
"""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import topolearn as tl
from topolearn import plotting

IMAGES = Path(__file__).parent / "images"
DPI = 50
TOLERANCE = 6.0  # root mean square of grey values, out of 255; fonts of other matplotlib versions cause less


def layer(name, n=60, density=0.1):
    return tl.generators.make(name, n, n, density, seed=0)


def network():
    return tl.LayeredNetwork({f"layer{i}": tl.generators.make("bsf", 40, 40, 0.1, seed=i) for i in range(2)})


PICTURES = {
    "accuracy": lambda run: plotting.accuracy([run]),
    "adjacency": lambda run: plotting.adjacency(layer("bsw")),
    "adjacency-by-degree": lambda run: plotting.adjacency(layer("bsf"), order="degree"),
    "adjacency-by-community": lambda run: plotting.adjacency(layer("bsw"), order="community"),
    "adjacency-of-a-large-layer": lambda run: plotting.adjacency(layer("bsw", 1500, 0.01)),
    "degree-distribution": lambda run: plotting.degree_distribution(layer("bsf", 300, 0.02), fit=True),
    "evolution": plotting.evolution,
    "hubs": lambda run: plotting.hubs(network()),
    "link-flow": plotting.link_flow,
    "measure": lambda run: plotting.measure(run, "closure"),
    "overlap": plotting.overlap,
    "small-world-plane": lambda run: plotting.small_world_plane({"BSW": layer("bsw"), "ER": layer("er")}),
    "strongest-paths": lambda run: plotting.strongest_paths(
        [np.random.default_rng(0).normal(size=(12, 12)) for _ in range(3)]
    ),
    "survival": plotting.survival,
}


def drawn(name, run):
    """Return the pixels of a plot as grey values."""
    picture = PICTURES[name](run)
    figure = getattr(picture, "figure", None) or picture
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return np.asarray(Image.open(buffer).convert("L"), dtype=float)


def difference(a, b):
    """Return the root mean square difference, infinite if the sizes differ."""
    return float(np.sqrt(np.square(a - b).mean())) if a.shape == b.shape else np.inf


@pytest.mark.parametrize("name", PICTURES)
def test_a_plot_looks_as_before(name, run, request):
    file, pixels = IMAGES / f"{name}.png", drawn(name, run)
    if request.config.getoption("--new-images"):
        Image.fromarray(pixels.astype(np.uint8)).save(file, optimize=True)
    assert difference(pixels, np.asarray(Image.open(file).convert("L"), dtype=float)) < TOLERANCE


def test_a_different_plot_is_noticed(run):
    """The tolerance is below the effect of a flipped adjacency, a missing line or another colour."""
    g = layer("bsf")
    turned = tl.BipartiteGraph(g.to_scipy()[::-1])
    pixels = []
    for each in (g, turned):
        buffer = io.BytesIO()
        plotting.adjacency(each, order=None).figure.savefig(buffer, format="png", dpi=DPI)
        pixels.append(np.asarray(Image.open(buffer).convert("L"), dtype=float))
    assert difference(*pixels) > 3 * TOLERANCE
    without = plotting.measure(run, "closure")
    without.lines[0].remove()
    buffer = io.BytesIO()
    without.figure.savefig(buffer, format="png", dpi=DPI)
    assert difference(drawn("measure", run), np.asarray(Image.open(buffer).convert("L"), dtype=float)) > TOLERANCE


def test_no_image_is_left_over():
    assert {file.stem for file in IMAGES.glob("*.png")} == set(PICTURES)
