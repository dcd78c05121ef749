"""Numbers of another library, jaxpruner: layer densities, and the links that RigL's toy mask keeps and grows."""

import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn.evolution import REGROWTHS, REMOVAL_SCORES, RemovalScore, by_scores
from topolearn.generators.distributions import erk

SIZES = {"a": (2, 4), "b": (3, 6), "c": (2, 4, 6)}


def sparsities(sizes, density):
    counts = erk(sizes, density)
    return [1 - counts[name] / np.prod(shape) for name, shape in sizes.items()]


def test_layer_densities_of_erdos_renyi_and_its_kernel_variant():
    """ERK counts all sides of the kernel; ER the last two only, as if it were a layer of 4 x 6 for each of the rest.

    jaxpruner rounds no counts; ours add up to exactly half of all cells.
    """
    assert sparsities(SIZES, 0.5) == pytest.approx([0, 0.31, 0.655], abs=0.03)
    flat = {"a": (2, 4), "b": (3, 6), "c0": (4, 6), "c1": (4, 6)}
    assert sparsities(flat, 0.5) == pytest.approx([0.21, 0.47, 0.56, 0.56], abs=0.06)
    assert sum(erk(SIZES, 0.5).values()) == sum(erk(flat, 0.5).values()) == (8 + 18 + 48) // 2


WEIGHTS = torch.tensor([-9.0, 1, 4, -1, 5, 8, -2, 3])
MASK = "01010110"
TOY = {0.25: "11010100", 0.5: "11001100", 0.75: "10101100"}  # from jaxpruner, by the share that is dropped


@pytest.fixture
def jaxpruner_parts():
    """Register its drop score, the signed weight, and its grow score in this test, the magnitude of all cells."""
    REMOVAL_SCORES.register("signed", RemovalScore(lambda links: links.values + 10))  # scores are never negative
    REGROWTHS.register("toy", by_scores(lambda graph: WEIGHTS.abs().numpy().reshape(1, 8)))
    yield
    REMOVAL_SCORES.unregister("signed")
    REGROWTHS.unregister("toy")


def updated(zeta, removal):
    """Return the mask after a RigL update of a single output neuron with eight inputs."""
    cells = torch.tensor([place for place, bit in enumerate(MASK) if bit == "1"])
    method = tl.method(
        "rigl", density=0.5, removal=removal, regrowth="toy", zeta=zeta, zeta_schedule="constant",
        skip_gradient_step=False, rewarmup_steps=0,
    )  # fmt: skip
    model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(8, 1, bias=False)), method, exclude=[])
    model[0].set_links(cells)
    model[0].set_link_values(WEIGHTS[cells])
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=10, interval=1)
    optimizer.step()
    topology.step()
    return "".join(str(int(bit)) for bit in tl.topology_of(model)["0"].to_scipy().toarray()[0])


@pytest.mark.parametrize("zeta", TOY)
def test_the_toy_mask_of_rigl(zeta, jaxpruner_parts):
    assert updated(zeta, "signed") == TOY[zeta]


def test_rigl_itself_drops_the_smallest_magnitudes(jaxpruner_parts):
    """jaxpruner's toy drops -2 first, as the smallest number, while RigL's rule drops -1 and 1."""
    assert updated(0.5, "weight_magnitude") == "10001110"
