"""From a model to its topology and back."""

from itertools import pairwise

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.evolution import linear_layers


def chain(*sizes, between=nn.ReLU):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), between()]
    return nn.Sequential(*layers[:-1])


class Custom(nn.Module):
    """A model with its own forward."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))))


HALF = tl.method("set", density=0.5)


def test_sparsify_replaces_all_but_the_last_linear_layer_in_place():
    model = chain(8, 16, 16, 4)
    biases = [model[0].bias.detach().clone(), model[2].bias.detach().clone()]
    assert tl.sparsify(model, HALF) is model
    assert [type(m).__name__ for m in model] == ["MaskedLinear", "ReLU", "MaskedLinear", "ReLU", "Linear"]
    assert torch.equal(model[0].bias, biases[0])
    assert torch.equal(model[2].bias, biases[1])
    network = tl.topology_of(model)
    assert list(network.graphs) == ["0", "2"]
    assert network["0"].n_links == 64
    assert network.groups == (tl.NeuronGroup(("0",), ("2",)),)


def test_sparsify_keeps_weights_on_the_links_when_asked():
    model = chain(8, 16, 4)
    weight = model[0].weight.detach().clone()
    tl.sparsify(model, HALF, init="keep")
    mask = model[0].mask
    assert torch.equal(model[0].weight[mask], weight[mask])
    assert not model[0].weight[~mask].any()


def test_sparsify_depends_only_on_its_seed():
    def build(seed, noise):
        torch.manual_seed(noise)
        model = tl.sparsify(chain(8, 16, 4), HALF, seed=seed)
        return model[0].weight.detach()

    assert torch.equal(build(0, 1), build(0, 2))
    assert not torch.equal(build(0, 1), build(1, 1))


def test_sparsify_leaves_the_callers_random_state_alone():
    model = chain(8, 16, 4)
    before = torch.get_rng_state()
    tl.sparsify(model, HALF)
    assert torch.equal(torch.get_rng_state(), before)


def test_layers_of_equal_shape_get_their_own_topologies():
    model = tl.sparsify(chain(16, 16, 16, 4), HALF)
    assert model[0].graph != model[2].graph


def test_dense_leaves_the_model_as_it_is():
    model = chain(8, 16, 4)
    assert [type(m) for m in tl.sparsify(model, "dense")] == [nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [(None, ["0", "2"]), ([], ["0", "2", "4"]), (["0"], ["2", "4"]), (["[02]"], ["4"])],
)
def test_exclude_patterns(exclude, expected):
    assert list(linear_layers(chain(8, 8, 8, 4), exclude)) == expected


def test_nested_names_are_kept():
    model = nn.ModuleDict({"body": chain(8, 8, 8), "head": nn.Linear(8, 2)})
    tl.sparsify(model, HALF)
    assert list(tl.topology_of(model).graphs) == ["body.0", "body.2"]


@pytest.mark.parametrize(
    ("model", "groups"),
    [
        (chain(8, 8, 8, 4), 1),
        (chain(8, 8, 8, 4, between=nn.Dropout), 1),
        (chain(8, 8, 8, 8, 4), 2),
        (nn.Sequential(chain(8, 8, 8), nn.ReLU(), nn.Sequential(nn.Linear(8, 8), nn.ReLU()), nn.Linear(8, 2)), 2),
        (nn.Sequential(nn.Linear(8, 8), nn.Softmax(dim=1), nn.Linear(8, 8), nn.Linear(8, 2)), 0),
        (Custom(), 0),
    ],
    ids=["relu", "dropout", "three", "nested", "mixing", "custom"],
)
def test_neurons_meet_only_where_the_model_says_so(model, groups):
    assert len(tl.topology_of(tl.sparsify(model, HALF)).groups) == groups


def test_a_dense_layer_between_two_sparse_ones_keeps_all_neurons_alive():
    model = tl.sparsify(chain(8, 8, 8, 8, 2), HALF, exclude=["2", "6"])
    assert tl.topology_of(model).groups == ()


def test_densify_keeps_the_function_and_frees_the_weights():
    model = tl.sparsify(chain(8, 16, 4), HALF)
    x = torch.randn(5, 8)
    before = model(x)
    tl.densify(model)
    assert type(model[0]) is nn.Linear
    assert torch.equal(model(x), before)
    model(x).sum().backward()
    assert model[0].weight.grad.count_nonzero() > 64


def shared():
    layer = nn.Linear(8, 8)
    other = nn.Linear(8, 8)
    other.weight = layer.weight
    return nn.Sequential(layer, other, nn.Linear(8, 2))


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (nn.Linear(3, 3), {}, "itself is a linear layer"),
        (nn.ReLU(), {}, "no linear layer"),
        (nn.Sequential(nn.Linear(3, 3)), {}, r"no linear layers are left.*exclude=\[\]"),
        (chain(8, 8, 4), {"exclude": ["heed"]}, r"pattern 'heed' matches none of the linear layers: 0, 2"),
        (chain(8, 8, 4), {"exclude": "0"}, r"must be a list of patterns: use exclude=\['0'\]"),
        (chain(8, 8, 4), {"init": "kep"}, "did you mean 'keep'"),
        (chain(8, 8, 4), {"method": tl.method("set", density=0.001)}, "leaves no link in a layer of 8 x 8"),
        (chain(8, 8, 4), {"method": "sett"}, "did you mean 'set'"),
        (chain(8, 8, 4), {"method": 3}, "not int"),
        (chain(8, 8, 4), {"calibration": torch.zeros(2, 8)}, "uses no data"),
        (
            chain(8, 8, 4),
            {"method": "dense", "calibration": torch.zeros(2, 8)},
            "'dense' does not use data: drop calibration",
        ),
        (chain(8, 8, 4), {"backend": "mask"}, "unknown backend"),
        (shared(), {}, r"shares its weight \(0.weight, 1.weight\).*exclude=\['0', ...\]"),
        (
            nn.Sequential(nn.MultiheadAttention(8, 2), nn.Linear(8, 2)),
            {},
            r"tl.unpack_attention\(model\).*'0.out_proj'",
        ),
        (tl.sparsify(chain(8, 8, 4), HALF), {}, "sparse already"),
    ],
)
def test_errors_leave_the_model_unchanged(model, options, message):
    before = [type(m) for m in model.modules()]
    with pytest.raises((ValueError, TypeError), match=message):
        tl.sparsify(model, **{"method": HALF, **options})
    assert [type(m) for m in model.modules()] == before


def test_topology_of_a_dense_model_says_what_to_do():
    with pytest.raises(InvalidValueError, match="call sparsify"):
        tl.topology_of(chain(4, 4, 2))


def test_densify_rejects_a_bare_layer():
    with pytest.raises(InvalidValueError, match=r"wrap it in an nn\.Sequential"):
        tl.densify(tl.SparseLinear(4, 4, graph=tl.generators.erdos_renyi(4, 4, 0.5, seed=0)))
