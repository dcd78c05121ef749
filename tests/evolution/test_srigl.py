"""Constant fan-in compared with a plain reference of its rule on random layers, and what is rejected."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import topolearn as tl
from tests.profiles import examples
from topolearn.errors import InvalidValueError
from topolearn.evolution import LayerLinks
from topolearn.evolution.per_link.model_links import ModelLinks
from topolearn.evolution.plan import initial_links
from topolearn.evolution.srigl import has_constant_fan_in, rewire_with_constant_fan_in
from topolearn.evolution.srigl.on_accelerator import rewire_on_accelerator
from topolearn.graph import union
from topolearn.sampling import RandomField
from topolearn.sparse import GradientRecord, sparse_layers
from topolearn.waiting import Readings

STATIC = {"removal": None, "regrowth": None, "zeta_schedule": "constant", "skip_gradient_step": False}

REWIRE = {"cpu": rewire_with_constant_fan_in, "accelerator": partial(rewire_on_accelerator, Readings())}


class Known(GradientRecord):
    """A given gradient."""

    def __init__(self, gradient):
        self.gradient, self.shape, self.average = gradient, tuple(gradient.shape), None

    is_empty = False

    def rows(self, first, last):
        return self.gradient[first:last]


def layer_of(links, gradient, *, is_output=False):
    """Return the links {cell: weight} of a layer with the gradient of all cells."""
    cells = torch.tensor(sorted(links))
    values = torch.tensor([links[cell] for cell in sorted(links)], dtype=torch.float64)
    return LayerLinks(cells, values, tuple(gradient.shape), record=Known(gradient), is_output=is_output)


def best(cells, score, k, field):
    """Return the k cells with the highest scores, ties broken by the field."""
    draw = dict(zip(cells, field.bits(torch.tensor(cells, dtype=torch.int64)).tolist(), strict=True))
    return set(sorted(cells, key=lambda cell: (-score[cell], -draw[cell]))[:k])


def reference(links, gradient, target, n_keep, gamma, allow_return, field):
    """The rule in plain Python, cell by cell."""
    n_out, n_in = gradient.shape
    row = [range(n_in * i, n_in * (i + 1)) for i in range(n_out)]
    size = {cell: abs(weight) for cell, weight in links.items()}
    slope = dict(enumerate(gradient.abs().flatten().tolist()))
    alive = [cell for cell in links if size[cell] > 0]
    salient = best(alive, size, n_keep, field)
    candidates = [cell for cell in slope if cell not in salient and slope[cell] > 0]
    salient |= best(candidates, slope, len(links) - len(salient), replace(field, purpose="salience"))
    counts = {i: len(salient & set(row[i])) for i in range(n_out)}
    active = set(range(n_out))
    if gamma is not None:
        fan_in = max(len(set(links) & set(cells)) for cells in row)
        active = {i for i in active if counts[i] >= max(1, int(gamma * fan_in))}
        needed = -(-target // n_in)
        if len(active) < needed:
            active = best(list(range(n_out)), counts, needed, replace(field, purpose="ablation"))
    k = target // len(active)
    survivors = best([cell for cell in alive if cell // n_in in active], size, n_keep, field)
    kept, after = set(), set()
    for i in active:
        mine = best([cell for cell in row[i] if cell in survivors], size, k, field)
        slopes = {cell: -1 if not allow_return and cell in links else slope[cell] for cell in row[i]}
        free = [cell for cell in row[i] if cell not in mine]
        kept |= mine
        after |= mine | best(free, slopes, k - len(mine), replace(field, purpose="regrowth"))
    return kept, after


@examples(100)
@given(
    n_in=st.integers(2, 9),
    n_out=st.integers(1, 9),
    density=st.floats(0.1, 1.0),
    share=st.floats(0.0, 0.9),
    gamma=st.sampled_from([None, 0.3, 0.7, 1.0]),
    levels=st.sampled_from([3, 10**6]),
    n_ablated=st.integers(0, 4),
    allow_return=st.booleans(),
    seed=st.integers(0, 10**6),
)
@pytest.mark.parametrize("rewire", REWIRE.values(), ids=REWIRE)
def test_an_update_follows_the_rule(rewire, n_in, n_out, density, share, gamma, levels, n_ablated, allow_return, seed):
    rng = torch.Generator().manual_seed(seed)
    target = max(n_out, round(density * n_in * n_out))
    n_active = max(n_out - n_ablated if gamma else n_out, -(-target // n_in))
    neurons = torch.randperm(n_out, generator=rng)[:n_active].tolist()
    inputs = [torch.randperm(n_in, generator=rng)[: target // n_active].tolist() for _ in neurons]
    cells = [n_in * i + j for i, several in zip(neurons, inputs, strict=True) for j in several]
    # Few levels create ties, and links and gradients of 0.
    draw = torch.randint(-levels, levels, (len(cells),), generator=rng).double()
    gradient = torch.randint(-levels, levels, (n_out, n_in), generator=rng).double()
    gradient[torch.rand(n_out, generator=rng) < 0.2] = 0  # as for neurons that no example activates
    links = dict(zip(cells, draw.tolist(), strict=True))
    field = RandomField(seed, "layer", 3, "removal")
    n_keep = len(cells) - int(share * len(cells))
    kept, grown = rewire(layer_of(links, gradient), target, n_keep, field, ablation=gamma, allow_return=allow_return)
    after = union(kept, grown)
    expected = reference(links, gradient, target, n_keep, gamma, allow_return, field)
    assert (set(kept.tolist()), set(after.tolist())) == expected
    assert has_constant_fan_in(after, (n_out, n_in), target)
    fan_in = torch.bincount(after // n_in, minlength=n_out)
    n_left = int((fan_in > 0).sum())
    assert set(fan_in.tolist()) <= {0, target // n_left}
    assert 1 <= target // n_left <= n_in
    assert gamma is not None or n_left == n_out


@pytest.mark.parametrize("rewire", REWIRE.values(), ids=REWIRE)
def test_no_output_of_the_model_is_ablated(rewire):
    links = {0: 5.0, 1: 4.0, 4: 5.0, 5: 4.0, 8: 0.1, 9: 0.2}
    gradient = torch.tensor([[0.0, 0.0, 3.0, 2.0], [0.0, 0.0, 3.0, 2.0], [1.0, 0.5, 0.0, 0.0]], dtype=torch.float64)
    for is_output, expected in ((False, [0, 1, 2, 4, 5, 6]), (True, [0, 1, 4, 5, 8, 9])):
        layer = layer_of(links, gradient, is_output=is_output)
        kept, grown = rewire(layer, 6, 4, RandomField(0), ablation=0.5)
        assert union(kept, grown).tolist() == expected


@pytest.mark.parametrize(
    ("declared", "exclude", "spared"),
    [
        (None, None, []),
        (None, [], ["2"]),
        (None, ["0"], ["2"]),
        (None, ["2"], []),
        (["0"], None, []),
        (["0"], [], ["0"]),
        (["0"], ["2"], ["0"]),
        ([], None, []),
    ],
)
@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_only_sparse_output_layers_are_spared_from_ablation(declared, exclude, spared, backend):
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4), nn.Identity())
    model.output_layers = declared
    tl.sparsify(model, tl.method("srigl", density=0.5), exclude=exclude, backend=backend)
    wrapped = nn.Sequential(model)
    links = ModelLinks(wrapped, sparse_layers(model), torch.optim.SGD(model.parameters(), lr=0.1)).read(0, Readings())
    assert [name for name, layer in links.items() if layer.is_output] == spared


def test_a_start_is_rounded_down_and_the_plan_is_not():
    rule = tl.method("srigl", density=0.5, distribution={"b": 0.9})
    sizes = {"a": (10, 7), "b": (5, 3)}
    assert initial_links(sizes, rule) == {"a": 35, "b": 12}  # rounded down from 35 and 14
    plan = tl.evolution.DensityPlan(sizes, rule, total_steps=100, interval=10)
    targets = plan.targets(10, {"a": 35, "b": 12})
    assert (targets.after, targets.decays) == ({"a": 35, "b": 14}, False)
    with pytest.raises(InvalidValueError, match=r"layer 'a' has 7 links for 8 output neurons.*at least 1 / 10"):
        initial_links({"a": (10, 8)}, tl.method("srigl", density=0.09))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"generator": "er"}, r"generator='er' creates unequal fan-ins.*generator='fixed_fan_in'"),
        ({"removal": "weight_magnitude-soft"}, r"removal='weight_magnitude-soft' is not supported.*'weight_magnitude'"),
        (
            {"regrowth": "random"},
            r"regrowth='random' is not supported with constant_fan_in=True: set regrowth='gradient'",
        ),
        ({"percolation": True}, r"percolation=True is not supported with constant_fan_in=True"),
        ({"per_head": True}, r"per_head=True is not supported with constant_fan_in=True"),
        ({"storage": "dense"}, r"storage='dense' is not supported with constant_fan_in=True"),
        ({"density_schedule": "cubic", "start_density": 0.5}, r"density_schedule='cubic' is not supported"),
        ({"constant_fan_in": False}, r"ablation=0.3 needs constant_fan_in=True"),
        ({"ablation": 0.0}, r"ablation=0.0 must lie in \(0, 1\]"),
        ({"ablation": 1.1}, r"ablation=1.1 must lie in \(0, 1\]"),
        (
            {"removal": None, "regrowth": None, "zeta_schedule": "constant", "skip_gradient_step": False},
            r"ablation=0.3 n",
        ),
    ],
)
def test_unsupported_combinations_are_rejected(overrides, message):
    with pytest.raises(InvalidValueError, match=message):
        tl.method("srigl", **overrides)


@pytest.mark.parametrize("generator", ["fixed_fan_in+ep", "fixed_fan_in+resort"])
def test_steps_that_keep_fan_ins_can_follow_the_generator(generator):
    model = nn.Sequential(nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 9), nn.Linear(9, 2))
    rule = tl.method("srigl", density=0.4, generator=generator)
    tl.sparsify(model, rule, backend="masked")
    tl.TopologyScheduler(model, torch.optim.SGD(model.parameters(), lr=0.1), rule, total_steps=9, interval=2)
    assert set(tl.topology_of(model)["0"].fan_in.tolist()) == {4}


def test_a_static_topology_can_have_constant_fan_in():
    rule = tl.method("static", density=0.5, generator="fixed_fan_in", constant_fan_in=True)
    model = tl.sparsify(nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2)), rule, backend="masked")
    assert model[0].graph.fan_in.tolist() == [2] * 4
    tl.TopologyScheduler(model, torch.optim.SGD(model.parameters(), lr=0.1), rule, total_steps=9, interval=2)


@pytest.mark.parametrize(
    ("cells", "parts", "is_rejected"),
    [
        ([0, 1, 4, 5, 8, 9], {}, False),
        ([0, 1, 2, 4, 5, 6], {}, False),  # one is ablated
        ([0, 1, 2, 4, 5, 6], {"ablation": None}, True),
        ([0, 1, 2, 4, 5, 8], {}, True),
        ([0, 4, 8], {}, True),
    ],
)
def test_a_model_must_have_the_fan_ins_of_the_method(cells, parts, is_rejected):
    rule = tl.method("srigl", density=0.5, **parts)
    model = tl.sparsify(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), rule, backend="masked")
    model[0].set_links(torch.tensor(cells))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if not is_rejected:
        tl.TopologyScheduler(model, optimizer, rule, total_steps=9, interval=2)
        return
    message = r"layer '0' has \d links, \d to \d per output neuron, .* distributes 6"
    with pytest.raises(InvalidValueError, match=message):
        tl.TopologyScheduler(model, optimizer, rule, total_steps=9, interval=2)
