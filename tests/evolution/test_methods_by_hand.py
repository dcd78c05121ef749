"""One update of every method on small layers, worked by hand: the links that decay, are removed, percolate and grow.

The learning rate is 0, so that weights are those that are given. The gradient of the first layer is the outer product
of the head's weights (1, -2, ...) and the input, as there is nothing between them.
"""

from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.evolution.loops import backends_of
from topolearn.evolution import METHODS
from topolearn.sparse import StoredLinear

EVENTS = ("decayed", "removed", "percolated", "regrown")


@dataclass
class Case:
    """A method, the links of its layers as {cell: weight}, the time of the update, and its effect on each layer."""

    method: str
    sizes: tuple[int, ...]
    links: list[dict[int, float]]
    density: float
    expected: list[dict[str, set[int]]]
    total: int = 100
    interval: int = 15
    inputs: tuple[float, ...] = ()
    parts: dict = field(default_factory=dict)
    stored: dict[int, float] = field(default_factory=dict)  # values of cells of the first layer that are not links
    trained: set[int] = field(default_factory=set)  # its trained cells, if there are more than the links


# --- Fixed density, one layer of 4 inputs and 2 outputs (cells 0..3 and 4..7), 4 links -----------------------------
FOUR = {0: 5.0, 3: -4.0, 5: 3.0, 6: -0.2}
# (1, -2) x (1, 2, 3, 4): |gradient| 1 2 3 4 / 2 4 6 8.
RIGL = Case(
    # 15 of 75 steps: zeta = 0.15 (1 + cos 36 deg) = 0.2714, of 4 links 1.09: one goes; 7 has the largest gradient.
    "rigl", (4, 2), [FOUR], 0.5, [{"removed": {6}, "regrown": {7}}], inputs=(1, 2, 3, 4),
)  # fmt: skip
RIGL_SOFT = Case(
    # zeta 0.3 of 4 links is 1.2: one goes, and a link of weight 0 is kept with p = 0.
    "rigl-soft", (4, 2), [FOUR | {6: 0.0}], 0.5, [{"removed": {6}, "regrown": {7}}], inputs=(1, 2, 3, 4),
    parts={"generator": "er"},
)  # fmt: skip
SET = Case(
    # zeta 0.3 of 8 links: the 2 weakest go. All other cells are links, so these two must return.
    "set", (8, 1), [{i: float(i + 1) for i in range(8)}], 1.0, [{"removed": {0, 1}, "regrown": {0, 1}}],
)  # fmt: skip

# --- Percolation, hidden neurons 0 1 2 between two layers ----------------------------------------------------------
# First layer (2 inputs): 0: 5, 6 / 1: 7, - / 2: -, w. The link w goes (1 of 4), so neuron 2 has no input left.
# Second layer (2 outputs): 4, 3, 2 / w, 6, 5. The link w goes (1 of 6); then those of neuron 2, cells 2 and 5.
# Regrowth in the first: neuron 1 and input 1 are joined by 1 - input 0 - neuron 0 - input 1, cell 3; neuron 2 has no
# path. In the second, three links are missing and three cells are free.
CHAIN = [{"removed": {5}, "regrown": {3}}, {"removed": {3}, "percolated": {2, 5}, "regrown": {2, 3, 5}}]
OF_CHAIN = {"generator": "er", "distribution": {"0": 4 / 6, "1": 1.0}}


def chain_of(weakest):
    return [{0: 5.0, 1: 6.0, 2: 7.0, 5: weakest}, {0: 4.0, 1: 3.0, 2: 2.0, 3: weakest, 4: 6.0, 5: 5.0}]


CHT = Case("cht", (2, 3, 2), chain_of(0.1), 0.7, CHAIN, parts=OF_CHAIN)
CHTS = Case("chts", (2, 3, 2), chain_of(0.0), 0.7, CHAIN, parts=OF_CHAIN)  # a link of weight 0 is kept with p = 0

# --- Falling density with relative importance, one layer of 4 inputs and 6 outputs ---------------------------------
# Outputs 0..3 have links of 10 and, at cells 3, 6, 9, 12, of 1; outputs 4 and 5 have one link each, of almost nothing.
# Sums: rows 21 11 21 11, columns 21 11 21 11. RI of the links of 1: 1/11 + 1/21 = .14; of the tiny ones, each the only
# link of an output, 1; of the others 10/21 + 10/21 = .95 at least. So the links of 1 decay.
# Then 2 of 8 (zeta .3) are removed by weight magnitude, softly: the tiny ones, but for p = 1e-20.
# Two paths of three links are left, and one cell each closes a path of length three: 5 and 15.
TWELVE = {0: 10.0, 1: 10.0, 3: 1.0, 4: 10.0, 6: 1.0, 9: 1.0, 10: 10.0, 11: 10.0, 12: 1.0, 14: 10.0}
TWELVE |= {16: 1e-20, 21: 1e-20}
BY_IMPORTANCE = [{"decayed": {3, 6, 9, 12}, "removed": {16, 21}, "regrown": {5, 15}}]
CHTSS = Case(
    # From 12 links to 4. The sigmoid ends at .375 of 80 steps: its first update of two, g(1/2) = 1/2, leaves 8.
    "chtss", (4, 6), [TWELVE], 1 / 6, BY_IMPORTANCE, total=80,
)  # fmt: skip
CHTS_GMP = Case(
    # The cubic one ends at .75 of 100 steps: the first update of five leaves 4 + 8 (4/5)^3 = 8.1.
    "chts-gmp", (4, 6), [TWELVE], 1 / 6, BY_IMPORTANCE,
)  # fmt: skip

# --- Falling density by weight magnitude, 4 inputs and 2 outputs ---------------------------------------------------
GMP = Case(
    # From 4 links to 2 by .75 of 100 steps: the first update of five leaves 2 + 2 (4/5)^3 = 3.02.
    "gmp", (4, 2), [FOUR], 0.25, [{"decayed": {6}}],
)  # fmt: skip
TOPKAST = Case(
    # Two links among all cells: |5| and |-4|, the last value of cell 3, rank above |3| and |-0.2|.
    "topkast", (4, 2), [{0: 5.0, 6: -0.2}], 0.25, [{"removed": {6}, "regrown": {3}}], stored={3: -4.0, 5: 3.0},
    trained={0, 1, 2, 6},
)  # fmt: skip
GRANET = Case(
    # By .69 of 100 steps, so in four updates: 2 + 2 (3/4)^3 = 2.84 are left of 4, which is 3. Of these zeta =
    # .25 (1 + cos 27 deg) = .4727 go, 1.4: the weakest is 5. The largest gradient is at 7.
    "granet", (4, 2), [FOUR], 0.25, [{"decayed": {6}, "removed": {5}, "regrown": {7}}], inputs=(1, 2, 3, 4),
)  # fmt: skip
MEST = Case(
    # All 8 cells are links until the first stage ends. |w| + .01 |g|: 10 8.2 4 6 / 5 9.5 9 8.5 for gradients of
    # 100 200 300 400 / 200 400 600 800. The best 2 (as many as in the end) stay, 0 and 5; by weight it were 0 and 1.
    "mest", (4, 2), [dict(enumerate([9.0, -6.2, 1.0, 2.0, 3.0, 5.5, -3.0, 0.5]))], 0.25,
    [{"removed": {1, 2, 3, 4, 6, 7}, "regrown": {1, 2, 3, 4, 6, 7}}], inputs=(100, 200, 300, 400),
    parts={"start_density": 1.0},
)  # fmt: skip

# --- Constant fan-in, 6 inputs and 4 outputs, 12 links ------------------------------------------------------------
SRIGL = Case(
    # zeta .2714 of 12: 3 go, all those of output 2. |gradient| of outputs 0, 2: 1..6, of 1, 3: 2 4 .. 12. Of the cells
    # that are not kept 11 (12), 10 and 22 (10) are salient. Output 2 has no salient cell, max(1, 0.3 * 3) are required,
    # so it is ablated. Each of the other three then has 12 / 3 = 4 inputs, and grows one: 5, 11, 22.
    "srigl", (6, 4),
    [{0: 5.0, 1: 4.0, 2: 3.0, 6: 6.0, 7: -7.0, 8: 8.0, 12: 0.1, 13: -0.2, 17: 0.3, 19: 9.0, 21: -2.0, 23: 10.0}], 0.5,
    [{"removed": {12, 13, 17}, "regrown": {5, 11, 22}}], inputs=(1, 2, 3, 4, 5, 6),
)  # fmt: skip

CASES = {
    case.method: case for case in (SET, RIGL, RIGL_SOFT, SRIGL, CHT, CHTS, CHTSS, MEST, GMP, TOPKAST, GRANET, CHTS_GMP)
}
RUNS = [(name, backend) for name in CASES for backend in backends_of(name)]


ELSEWHERE = {"deepr"}  # in test_deepr.py


def test_every_method_that_evolves_is_covered_here_or_in_its_own_file():
    assert set(CASES) | ELSEWHERE == {name for name, row in METHODS.items() if row.evolves}


def made(case, backend, seed=0):
    """Return model, optimizer and scheduler with the links of the case."""
    layers = [nn.Linear(a, b, bias=False) for a, b in zip(case.sizes, case.sizes[1:], strict=False)]
    model = nn.Sequential(*layers, nn.Linear(case.sizes[-1], 1, bias=False))
    rule = tl.method(case.method, density=case.density, **case.parts)
    tl.sparsify(model, rule, backend=backend, seed=seed)
    with torch.no_grad():
        for layer, links in zip(model, case.links, strict=False):
            layer.set_links(
                torch.tensor(sorted(links)), *([torch.tensor(sorted(case.trained))] if case.trained else [])
            )
            if isinstance(layer, StoredLinear):  # drop the initial values
                layer.set_stored(torch.tensor([case.stored.get(cell, 0.0) for cell in range(layer.weight.numel())]))
            layer.set_link_values(torch.tensor([links[cell] for cell in sorted(links)]))
        head = model[-1].weight
        head.copy_(torch.tensor([(1.0, -2.0)[i % 2] for i in range(head.shape[1])])[None])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=case.total, interval=case.interval, seed=seed)
    return model, optimizer, topology


def to_the_next_update(case, model, optimizer, topology):
    x = torch.tensor([case.inputs or (1.0,) * case.sizes[0]], dtype=torch.float32)
    for _ in range(case.interval):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        update = topology.step()
    return update


def events_of(update, name, n_in):
    found = {event: set((getattr(update[name], event) @ [1, n_in]).tolist()) for event in EVENTS}
    return {event: cells for event, cells in found.items() if cells}


@pytest.mark.parametrize(("name", "backend"), RUNS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_first_update(name, backend, seed):
    case = CASES[name]
    model, optimizer, topology = made(case, backend, seed)
    update = to_the_next_update(case, model, optimizer, topology)
    for i, (links, expected) in enumerate(zip(case.links, case.expected, strict=True)):
        lost = set().union(*(expected.get(event, set()) for event in EVENTS[:3]))
        grown = expected.get("regrown", set())
        assert events_of(update, str(i), case.sizes[i]) == expected
        assert model[i].cells().tolist() == sorted((set(links) - lost) | grown)
        values = dict(zip(model[i].cells().tolist(), model[i].link_values().tolist(), strict=True))
        # Links that are removed and grow again keep their weight; others start with the stored value, or at zero.
        assert values == {cell: pytest.approx({**case.stored, **links}.get(cell, 0.0)) for cell in values}


def test_a_pruned_weight_of_gmp_returns_when_others_have_become_smaller():
    model, optimizer, topology = made(GMP, "masked")
    to_the_next_update(GMP, model, optimizer, topology)
    assert model[0].cells().tolist() == [0, 3, 5]
    model[0].set_link_values(torch.tensor([5.0, -0.05, 0.1]))  # as if trained
    update = to_the_next_update(GMP, model, optimizer, topology)
    # 2 + 2 (3/5)^3 = 2.4 links of |w| = 5, .05, .1, and .2 that cell 6 had when it was pruned.
    assert events_of(update, "0", 4) == {"decayed": {3, 5}, "regrown": {6}}
    assert model[0].link_values().tolist() == pytest.approx([5.0, -0.2])


def test_granet_and_gmp_differ_in_what_they_store():
    model, optimizer, topology = made(GRANET, "masked")
    to_the_next_update(GRANET, model, optimizer, topology)
    assert model[0].cells().tolist() == [0, 3, 7]
    model[0].set_link_values(torch.tensor([5.0, -0.05, 0.1]))
    update = to_the_next_update(GRANET, model, optimizer, topology)
    # 2 + 2 (1/2)^3 = 2.25 links stay: 0 and 7. zeta = .25 (1 + cos 54 deg) = .397 of 2 links is none.
    assert events_of(update, "0", 4) == {"decayed": {3}}
    assert model[0].link_values().tolist() == pytest.approx([5.0, 0.1])


def test_a_neuron_that_srigl_has_ablated_returns_with_salient_gradients():
    model, optimizer, topology = made(SRIGL, "csr")
    to_the_next_update(SRIGL, model, optimizer, topology)
    assert model[0].cells().tolist() == [0, 1, 2, 5, 6, 7, 8, 11, 19, 21, 22, 23]
    model[0].set_link_values(torch.tensor([5.0, 4.0, 3.0, 2.5, 6.0, -7.0, 8.0, 0.1, 9.0, -2.0, 0.2, 10.0]))
    with torch.no_grad():
        model[-1].weight[0, 2] = 100.0
    update = to_the_next_update(SRIGL, model, optimizer, topology)
    # zeta = .15 (1 + cos 72 deg) = .196 of 12: 2 go, 11 and 22. Salient instead are 16 and 17, of output 2. Four active
    # neurons have 3 inputs each: output 0 loses its weakest, 5, and output 2 grows 15, 16, 17.
    assert events_of(update, "0", 6) == {"removed": {5, 11, 22}, "regrown": {15, 16, 17}}
    assert model[0].graph.fan_in.tolist() == [3, 3, 3, 3]
    assert model[0].link_values().tolist() == pytest.approx([5, 4, 3, 6, -7, 8, 0, 0, 0, 9, -2, 10])


def test_srigl_ablates_no_neuron_that_the_links_need():
    # 9 links, 2 go: 9 and 10. Output 2 is left with one salient cell of 3, which are wanted, but two outputs have but 8
    # cells. So it grows where its gradient, 1 2 3 4, is largest: 11, and 10 again.
    weights = {0: 1.0, 1: 1.0, 2: 1.0, 4: 1.0, 5: 1.0, 6: 1.0, 8: 7.0, 9: 0.1, 10: 0.2}
    case = Case("srigl", (4, 3), [weights], 0.75, [], inputs=(1, 2, 3, 4), parts={"ablation": 1.0})
    model, optimizer, topology = made(case, "masked")
    update = to_the_next_update(case, model, optimizer, topology)
    assert events_of(update, "0", 4) == {"removed": {9, 10}, "regrown": {10, 11}}
    assert model[0].link_values()[6:].tolist() == pytest.approx([7.0, 0.2, 0.0])


def test_mest_goes_to_its_final_density_in_two_stages():
    model, optimizer, topology = made(MEST, "csr")
    counts = []
    for _ in range(6):
        to_the_next_update(MEST, model, optimizer, topology)
        counts.append(model[0].n_links)
    # All 8 up to step 45, which is .6 of 75. Updates end before step 75, so the last one is at 60, and leaves 2.
    assert counts == [8, 8, 8, 2, 2, 2]


def test_layers_pruned_together_keep_what_is_largest_anywhere():
    # 4 + 4 links, from which the cubic decay takes 2 of 8 at the first update: 4 + 4 (4/5)^3 = 6.05 are left.
    case = Case(
        "granet", (4, 2, 4), [{0: 9.0, 1: 8.0, 2: 7.0, 4: 6.0}, {0: 5.0, 1: 1.0, 2: 2.0, 3: 4.0}], 0.25, [],
        parts={"distribution": "global", "decay_end": 0.75, "zeta": 0.1},
    )  # fmt: skip
    model, optimizer, topology = made(case, "masked")
    update = to_the_next_update(case, model, optimizer, topology)
    assert events_of(update, "0", 4) == {}
    assert events_of(update, "1", 2) == {"decayed": {1, 2}}


def test_overlap_elm_and_early_stop():
    # zeta .3 of 4 links: 1 goes. What is left, 0-0, 0-1, 1-0, has one cell that closes a path: the link that went.
    square = {0: 5.0, 1: 6.0, 2: 7.0, 3: 1.0}
    case = Case("cht", (2, 2), [square], 1.0, [], parts={"generator": "er", "theta": 1.0})
    model, optimizer, topology = made(case, "csr")
    update = to_the_next_update(case, model, optimizer, topology)
    assert events_of(update, "0", 2) == {"removed": {3}, "regrown": {3}}
    assert (update.overlap, update.elm, topology.is_stopped) == ({"0": 1.0}, {"0": True}, True)
    assert to_the_next_update(case, model, optimizer, topology) is None
    assert topology.n_updates == 1


@pytest.mark.parametrize(("theta", "is_minimum"), [(0.5, True), (0.51, False)])
def test_a_layer_is_in_a_minimum_at_an_overlap_of_at_least_theta(theta, is_minimum):
    # Two squares of which one is whole: 7 of 8 links of two blocks. Links 7 and 15 go; of the cells that close a path,
    # 5 never was a link: 0-0 0-1 1-0 leave (1, 1), cell 5 of 4 inputs; the whole square loses cell 15.
    links = {0: 5.0, 1: 6.0, 4: 7.0, 10: 8.0, 11: 9.0, 14: 10.0, 15: 0.5, 7: 0.1}
    case = Case("cht", (4, 4), [links], 0.5, [], parts={"generator": "er", "theta": theta})
    model, optimizer, topology = made(case, "masked")
    update = to_the_next_update(case, model, optimizer, topology)
    assert events_of(update, "0", 4) == {"removed": {7, 15}, "regrown": {5, 15}}
    assert update.overlap == {"0": 0.5}
    assert update.elm == {"0": is_minimum}
    assert topology.is_stopped == is_minimum
