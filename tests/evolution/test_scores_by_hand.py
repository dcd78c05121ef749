"""The links that each score removes and regrows on small layers, worked by hand from its equation."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.evolution import LayerLinks, evolve, soft_importance
from topolearn.evolution.regrowth import REGROWTHS, Site
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.sampling import RandomField

# Cells 0 1 2 / 3 4 5 / 6 7 8. Sums of |W|: of the rows 18, 1, 8, of the columns 16, 8, 3.
WEIGHT = torch.tensor([[10.0, -8.0, 0.0], [0.0, 0.0, 1.0], [-6.0, 0.0, 2.0]])
GRADIENT = torch.tensor([[0.0, 0.0, 9.0], [0.0, 0.0, -20.0], [0.0, 9.0, 1.0]])
#                          cell:  0                1               5             6              8
SCORES = {
    "weight_magnitude": ({}, [10.0, 8.0, 1.0, 6.0, 2.0]),
    "relative_importance": ({}, [10 / 16 + 10 / 18, 8 / 8 + 8 / 18, 1 / 3 + 1 / 1, 6 / 16 + 6 / 8, 2 / 3 + 2 / 8]),
    # |w|/2 / (.5 + .5 sum) = |w| / (1 + sum)
    "importance": (
        {"alpha": 0.5},
        [10 / 19 + 10 / 17, 8 / 19 + 8 / 9, 1 / 2 + 1 / 4, 6 / 9 + 6 / 17, 2 / 9 + 2 / 4],
    ),
    "mest": ({"gradient_weight": 0.1}, [10.0, 8.0, 1 + 2.0, 6.0, 2 + 0.1]),
    "sign": ({}, [1, 0, 0, 1, 1]),
}
SIGNS = torch.tensor([1, 1, -1, -1, 1], dtype=torch.int8)


def step(weight, mask=None, *, gradient=None, seed=0, progress=0.0, **parts):
    links = LayerLinks.of(weight, weight != 0 if mask is None else mask, gradient)
    rule = tl.method("set", **parts)
    cells, updates = evolve({"a": links}, (), rule, progress=progress, seed=seed, index=1)
    return set(cells["a"].tolist()), updates["a"]


def removed(update, n_in):
    return {int(output * n_in + source) for source, output in update.removed}


def test_every_removal_score_is_covered_here():
    assert set(SCORES) == set(REMOVAL_SCORES)


@pytest.mark.parametrize("name", SCORES)
def test_removal_scores(name):
    params, expected = SCORES[name]
    links = replace(LayerLinks.of(WEIGHT, WEIGHT != 0, GRADIENT), signs=SIGNS)
    assert links.cells.tolist() == [0, 1, 5, 6, 8]
    assert REMOVAL_SCORES[name](links, params).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("removal", "params", "expected"),  # the links removed for zeta 0.2, 0.4, 0.6 of 5 links
    [
        ("weight_magnitude", {}, [{5}, {5, 8}, {5, 6, 8}]),
        ("relative_importance", {}, [{8}, {6, 8}, {0, 6, 8}]),
        ("importance", {"alpha": 0.0}, [{8}, {6, 8}, {0, 6, 8}]),
        ("importance", {"alpha": 0.5}, [{8}, {5, 8}, {5, 6, 8}]),
        ("importance", {"alpha": 0.9}, [{5}, {5, 8}, {5, 6, 8}]),
        ("importance", {"alpha": 1.0}, [{5}, {5, 8}, {5, 6, 8}]),
        ("mest", {}, [{5}, {5, 8}, {5, 6, 8}]),  # lambda = .01: 1.2 against 2.01
        ("mest", {"gradient_weight": 0.1}, [{8}, {5, 8}, {5, 6, 8}]),
        ("mest", {"gradient_weight": 1.0}, [{8}, {6, 8}, {1, 6, 8}]),  # 10, 8, 21, 6, 3
    ],
)
def test_hard_removal(removal, params, expected):
    for zeta, links in zip((0.2, 0.4, 0.6), expected, strict=True):
        _, update = step(WEIGHT, gradient=GRADIENT, removal=removal, score_params=params, zeta=zeta)
        assert removed(update, 3) == links


@pytest.mark.parametrize(
    ("alpha", "delta", "expected"),
    [
        (0.0, 0.5, [5 / 8, 3 / 4, 5 / 8]),
        (0.0, 0.75, [125 / 512, 27 / 64, 125 / 512]),
        (0.5, 0.5, [0.7, 1.2, 0.7]),
        (0.5, 0.75, [0.343, 1.728, 0.343]),
        (1.0, 0.5, [1.0, 3.0, 1.0]),
        (1.0, 0.75, [1.0, 27.0, 1.0]),
        (1.0, 0.0, [1.0, 1.0, 1.0]),
    ],
)
def test_soft_importance_is_equation_2(alpha, delta, expected):
    w = torch.tensor([[1.0, 3.0], [0.0, 1.0]])  # sums 4, 1 and 1, 4
    assert soft_importance(w, w != 0, alpha, delta)[w != 0].tolist() == pytest.approx(expected)
    assert soft_importance(w, w != 0, alpha, delta)[1, 0] == 0


@pytest.mark.parametrize(
    ("parts", "progress", "probability"),
    [
        # One of two links of an output neuron is kept, of weights 1 and 3: the second with ...
        ({"removal": "weight_magnitude-soft"}, 0.0, 3 / 4),
        ({"removal": "weight_magnitude-soft"}, 0.5, 9 / 10),  # exponent 2
        ({"removal": "weight_magnitude-soft", "softness": (0.0, 0.9)}, 0.5, 3**4.5 / (1 + 3**4.5)),  # 0 to 9
        (
            {"removal": "weight_magnitude-soft", "softness": (0.0, 0.9), "softness_schedule": "delta"},
            0.5,
            3 ** (9 / 11) / (1 + 3 ** (9 / 11)),  # delta = .45
        ),
        ({"removal": "weight_magnitude-soft"}, 1.0, 27 / 28),
        ({"removal": "weight_magnitude-soft", "softness": (0.0, 0.5)}, 0.0, 1 / 2),
        ({"removal": "relative_importance-soft"}, 0.0, 7 / 12),  # 5/4 and 7/4
        ({"removal": "importance-soft", "score_params": {"alpha": 0.5}}, 0.0, 1.35 / 2.05),  # .7 and 1.35
        ({"removal": "mest-soft", "score_params": {"gradient_weight": 0.1}}, 0.0, 1 / 2),  # 1 + 2 and 3
    ],
)
def test_soft_removal_keeps_in_proportion_to_a_power_of_the_score(parts, progress, probability):
    weight, mask = torch.tensor([[1.0, 3.0, 0.0]]), torch.tensor([[True, True, False]])
    gradient = torch.tensor([[20.0, 0.0, 0.0]])
    links, rule = {"a": LayerLinks.of(weight, mask, gradient)}, tl.method("set", zeta=0.5, **parts)
    n_kept = 0
    for seed in range(600):
        _, updates = evolve(links, (), rule, progress=progress, seed=seed, index=1)
        n_kept += removed(updates["a"], 3) == {0}
    assert n_kept / 600 == pytest.approx(probability, abs=0.05)


def test_random_regrowth_draws_free_cells_uniformly():
    # Link 1 goes; cells 1, 2, 3 are free.
    weight = torch.tensor([[5.0, 1.0], [0.0, 0.0]])
    counts = dict.fromkeys((1, 2, 3), 0)
    for seed in range(300):
        cells, update = step(weight, seed=seed, zeta=0.5, regrowth="random")
        assert removed(update, 2) == {1}
        (grown,) = cells - {0}
        counts[grown] += 1
    assert min(counts.values()) > 75


def complete(n_inputs, n_outputs):
    """Return links (output, input) from u = 0 to all inputs, from these to all outputs, and from these to input v."""
    links = [(0, i) for i in range(n_inputs)]
    links += [(o, i) for o in range(1, n_outputs + 1) for i in range(n_inputs)]
    return links + [(o, n_inputs) for o in range(1, n_outputs + 1)], (n_outputs + 1, n_inputs + 1)


def disjoint(n_paths):
    """Return links (output, input) of n disjoint paths u - a - b - v."""
    links = [(0, i) for i in range(n_paths)] + [(i + 1, i) for i in range(n_paths)]
    return links + [(i + 1, n_paths) for i in range(n_paths)], (n_paths + 1, n_paths + 1)


def side_by_side(first, second):
    (links, (n_out, n_in)), (others, (more_out, more_in)) = first, second
    shape = (n_out + more_out, n_in + more_in)
    links = [*links, *((o + n_out, i + n_in) for o, i in others)]
    return torch.tensor(sorted(o * shape[1] + i for o, i in links)), shape


# u, v linked by 2 inputs that are all joined to 3 outputs: 6 paths, 5 neurons, none with links outside.
#   CH3-L3p 6, CH3-L3n 5, CH2-L3n 2 * (1 + 3) + 3 * (1 + 2) = 17; the only cell that is free is (0, 2), flat 2.
# u, v linked by 3 paths that share nothing: CH3-L3p 3, CH3-L3n 6, CH2-L3n 6 * (1 + 1) = 12 at (4, 6), flat 34;
#   other cells have 2 paths, of which a neuron each has a link outside: sqrt(2), 3, 6.
DENSE_OR_LONG = side_by_side(complete(2, 3), disjoint(3))
# 6 inputs with 1 output: 6, 7, 6 * 2 + 7 = 19 at flat 6; 5 paths: 5, 10, 10 * 2 = 20 at (2, 12), flat 38.
STAR_OR_LONG = side_by_side(complete(6, 1), disjoint(5))


@pytest.mark.parametrize(
    ("predictor", "layer", "expected"),
    [
        ("ch3_l3p", DENSE_OR_LONG, 2),
        ("ch3_l3n", DENSE_OR_LONG, 34),
        ("ch2_l3n", DENSE_OR_LONG, 2),
        ("ch3_l3p", STAR_OR_LONG, 6),
        ("ch3_l3n", STAR_OR_LONG, 38),
        ("ch2_l3n", STAR_OR_LONG, 38),
    ],
)
def test_hard_regrowth_by_a_predictor_takes_the_highest_score(predictor, layer, expected):
    links, shape = layer
    site = Site(links, shape, barred=links[:0])
    assert REGROWTHS[predictor].choose(site, 1, RandomField(3), False).tolist() == [expected]
    barred = Site(links, shape, barred=torch.tensor([expected]))
    (second,) = {2, 34} - {expected} if layer is DENSE_OR_LONG else {6, 38} - {expected}
    assert REGROWTHS[predictor].choose(barred, 1, RandomField(3), False).tolist() == [second]


def test_soft_regrowth_by_a_predictor_draws_in_proportion_to_the_score():
    # Two free cells with a path: of two inner inputs (CH3-L3p 2), and of one (1); links outside there are none.
    links, shape = side_by_side(complete(2, 1), complete(1, 1))
    site = Site(links, shape, barred=links[:0])
    drawn = [REGROWTHS["ch3_l3p"].choose(site, 1, RandomField(seed), True).item() for seed in range(400)]
    assert set(drawn) == {2, 2 * 5 + 4}
    assert drawn.count(2) / 400 == pytest.approx(2 / 3, abs=0.06)


class Outer(nn.Module):
    """A sparse layer of 3 inputs and 2 outputs whose gradient is the outer product of (1, -2) and the input."""

    def __init__(self, backend):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 2, bias=False), nn.Linear(2, 1, bias=False))
        tl.sparsify(self.body, tl.method("rigl", density=1 / 3), backend=backend)
        self.layer.set_links(torch.tensor([0, 5]))
        with torch.no_grad():
            self.layer.set_link_values(torch.tensor([3.0, 1.0]))
            self.body[1].weight.copy_(torch.tensor([[1.0, -2.0]]))

    @property
    def layer(self):
        return self.body[0]

    def backward(self, *inputs):
        for each in inputs:
            self.body(torch.tensor([each])).sum().backward()


BACKENDS = pytest.mark.parametrize("backend", ["masked", "csr"])


@BACKENDS
@pytest.mark.parametrize(
    ("inputs", "k", "expected"),
    [
        # (1, -2) x (1, 2, 3): |g| is 1 2 3 / 2 4 6 on cells 0..5, links 0 and 5 among them
        ([[1.0, 2.0, 3.0]], 1, [4]),
        ([[1.0, 2.0, 3.0]], 2, [2, 4]),
        # accumulated: the inputs add up to 1 0 3, so 1 0 3 / 2 0 6
        ([[1.0, 2.0, 3.0], [0.0, -2.0, 0.0]], 1, [2]),
        ([[1.0, 2.0, 3.0], [0.0, -2.0, 0.0]], 2, [2, 3]),
    ],
)
def test_hard_regrowth_by_the_gradient(backend, inputs, k, expected):
    model = Outer(backend)
    model.layer.start_recording()
    model.backward(*inputs)
    site = Site(model.layer.cells(), (2, 3), barred=torch.tensor([], dtype=torch.int64), record=model.layer.record)
    assert REGROWTHS["gradient"].choose(site, k, RandomField(0), False).tolist() == expected


@BACKENDS
def test_soft_regrowth_by_the_gradient_draws_in_proportion_to_it(backend):
    model = Outer(backend)
    model.layer.start_recording()
    model.backward([1.0, 3.0, 0.0])  # free cells 1, 2, 3, 4 have |g| = 3, 0, 2, 6
    site = Site(model.layer.cells(), (2, 3), barred=torch.tensor([], dtype=torch.int64), record=model.layer.record)
    drawn = [REGROWTHS["gradient"].choose(site, 1, RandomField(seed), True).item() for seed in range(500)]
    assert [drawn.count(cell) / 500 for cell in (1, 2, 3, 4)] == pytest.approx([3 / 11, 0, 2 / 11, 6 / 11], abs=0.06)


@BACKENDS
@pytest.mark.parametrize(("allow_return", "grown"), [(True, 5), (False, 4)])
def test_a_removed_link_with_the_largest_gradient_returns_if_allowed(backend, allow_return, grown):
    model = Outer(backend)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    rule = tl.method("rigl", density=1 / 3, zeta=0.9, stop_fraction=1.0, allow_return=allow_return)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=40, interval=2)
    for _ in range(2):
        optimizer.zero_grad()
        model.backward([1.0, 2.0, 3.0])
        optimizer.step()
        update = topology.step()
    assert removed(update["0"], 3) == {5}  # weights 3 and 1
    assert model.layer.cells().tolist() == [0, grown]
    assert model.layer.link_values().tolist() == [3.0, 1.0 if allow_return else 0.0]
    assert update["0"].overlap == float(allow_return)
