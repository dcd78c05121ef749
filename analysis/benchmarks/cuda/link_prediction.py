"""CH2-L3n and CH3-L3p over the axes of the paper's Figure 2, compared with the lower bound of their matrix products."""

import statistics
from typing import Any

import torch

from analysis.benchmarks.cuda.accelerator import milliseconds
from analysis.benchmarks.cuda.sizes import Sizes
from analysis.benchmarks.cuda.stage import Case, Stage
from analysis.benchmarks.link_prediction_dense import FLOORS
from topolearn.generators import erdos_renyi
from topolearn.linkpred import score

DENSITY, SIZE = AXES = ("density", "size")


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Return one case for each predictor and point on both axes."""
    points = [(DENSITY, sizes.width, density) for density in sizes.densities]
    points += [(SIZE, width, sizes.density) for width in sizes.widths]
    return [
        {"predictor": name, "axis": axis, "width": width, "density": density}
        for axis, width, density in points
        for name in FLOORS
    ]


def measure(case: Case, sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Return the median milliseconds of all scores of a layer, and of the products alone."""
    graph = erdos_renyi(case["width"], case["width"], case["density"], seed=0)
    masks = graph.to_torch(device=device)[None]
    numbers = masks.to(torch.float32)
    runs = {
        "ms": lambda: score(masks, case["predictor"], form="dense", dtype="float32"),
        "ms of its products": lambda: FLOORS[case["predictor"]](numbers),
    }
    times: dict[str, list[float]] = {word: [] for word in runs}
    for i in range(1 + max(sizes.rounds // 3, 1)):
        for word, run in runs.items():
            taken = milliseconds(run, device)
            if i:  # the first warms up
                times[word].append(taken)
    return {word: statistics.median(each) for word, each in times.items()}


def seconds(case: Case, sizes: Sizes) -> float:
    """Estimate the seconds of a case: the graph is generated on the CPU, the products run at 40 TFLOP/s in float32."""
    degree, width = case["density"] * case["width"], case["width"]
    flops = 8.0 * width**3 if case["predictor"] == "ch2_l3n" else 2.0 * width**2 * degree**2
    return 0.2 + 2e-8 * width**2 + (2 + 2 * sizes.rounds / 3) * (flops / 4e13 + 0.01)


LINK_PREDICTION = Stage("link prediction", 30, cases, measure, seconds)
