"""A model on a device is copied, stored, percolated and analysed as on the CPU; a model on two devices is rejected."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

import topolearn as tl
from tests.devices.placed import (
    INTERVAL,
    STEPS,
    batches,
    differing,
    events_of,
    method_named,
    off_links,
    scheduled,
    sparse_model,
    state_of,
    updates_of,
)
from tests.evolution.loops import OPTIMIZERS, mlp
from topolearn.diagnostics import active_neuron_rate, credit_assignment_paths, network_summary, summary
from topolearn.errors import InvalidValueError
from topolearn.evolution import percolate_model
from topolearn.sparse import BACKENDS, check_products, sparse_layers
from topolearn.training.models import Llama

NAMES = ("set", "topkast")  # stores the links only, and all values


@pytest.fixture
def pair(pretend):
    """Return a function that runs some steps of the same training on the CPU and on the device."""

    def made(name, steps=STEPS - 2, **options):
        method = method_named(name)
        trainings = [scheduled(sparse_model(method, 0).to(each), method, **options) for each in ("cpu", pretend.device)]
        for training in trainings:
            updates_of(*training, list(batches(0))[:steps])
        return trainings

    return made


# --- copied and stored -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["copied", "pickled"])
@pytest.mark.parametrize("name", ["chts", "srigl", "topkast", "deepr"])
def test_copies_of_a_training_continue_like_the_original(name, way, pair, pretend):
    one, other = pair(name)
    with pretend.copies():
        twin = copy.deepcopy(other) if way == "copied" else pretend.pickled(other)
    assert differing(state_of(*twin), state_of(*one)) == []
    assert {each.device for each in (*twin[0].parameters(), *twin[0].buffers())} == {pretend.device}
    rest = list(batches(0))[STEPS - 2 :]
    for training in (one, twin):
        updates_of(*training, rest)
    assert differing(state_of(*twin), state_of(*one)) == []
    assert not any(off_links(*twin[1:]).values())


@pytest.mark.parametrize("name", NAMES)
def test_states_load_across_devices(name, pair):
    one, other = pair(name)
    for source, target in ((one, other), (other, one)):
        model = sparse_model(target[2].method, 4).to(next(target[0].parameters()).device)
        again = scheduled(model, target[2].method, seed=4)
        for mine, theirs in zip(again, source, strict=True):
            mine.load_state_dict(theirs.state_dict())
        assert differing(state_of(*again), state_of(*source)) == []


@pytest.mark.parametrize("name", NAMES)
def test_exports_are_those_of_the_cpu(name, pair, tmp_path):
    one, other = pair(name)
    for suffix in (".safetensors", ".pt"):
        files = [tl.export_dense(each[0], tmp_path / f"{i}{suffix}") for i, each in enumerate((one, other))]
        assert files[0].read_bytes()[64:] == files[1].read_bytes()[64:] or suffix == ".pt"
    states = [torch.load(tmp_path / f"{i}.pt") for i in range(2)]
    assert differing(*states) == []
    plain = mlp(12, 16, 16, 16, 3)
    assert not plain.load_state_dict(states[1]).missing_keys


@pytest.mark.parametrize("name", NAMES)
def test_a_model_becomes_dense_on_its_device(name, pair, pretend):
    one, other = (tl.densify(each[0]) for each in pair(name))
    assert not sparse_layers(other)
    assert {each.device for each in other.parameters()} == {pretend.device}
    assert differing(one.state_dict(), {name: each.cpu() for name, each in other.state_dict().items()}) == []


@pytest.mark.parametrize("device", [None, "cpu"], ids=["same device", "cpu"])
@pytest.mark.parametrize("name", ["chts", "topkast"])
def test_averages_are_those_of_the_cpu(name, device, pair, pretend):
    averages = []
    for training in pair(name):
        with pretend.copies():
            average = tl.AveragedModel(training[0], device=device, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        for x, y in list(batches(0))[STEPS - 2 :]:
            average.update_parameters(training[0])
            updates_of(*training, [(x, y)])
        average.update_parameters(training[0])
        averages.append({key: each.cpu() for key, each in average.state_dict().items()})
    assert differing(*averages) == []


# --- analysed --------------------------------------------------------------------------------------------------------


def test_the_network_of_a_model_is_that_of_the_cpu(pair):
    one, other = (tl.topology_of(each[0]) for each in pair("chts"))
    assert dict(one.graphs) == dict(other.graphs)
    assert one.groups == other.groups
    assert credit_assignment_paths(one) == credit_assignment_paths(other)
    assert network_summary(one) == network_summary(other)
    for definition in ("hidden", "authors"):
        assert active_neuron_rate(one, definition) == active_neuron_rate(other, definition)


def test_measures_of_a_mask_on_a_device_are_those_of_the_graph(pair, pretend):
    one, other = pair("chts")
    mask = other[2].layers["2"].mask
    assert mask.device == pretend.device
    graph = tl.BipartiteGraph(mask)
    assert graph == one[2].layers["2"].graph
    assert summary(mask, ["closure", "modularity", "fan_in_gini"]) == summary(
        graph, ["closure", "modularity", "fan_in_gini"]
    )
    assert tl.diagnostics.jaccard_distance(mask, graph) == 0
    assert tl.diagnostics.gini(mask.sum(1).cpu()) == tl.diagnostics.gini(graph.fan_in)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("with_optimizer", [False, True], ids=["model", "optimizer"])
def test_a_model_percolates_on_a_device(with_optimizer, name, pretend):
    method = method_named(name, density=0.06)
    trainings = [scheduled(sparse_model(method, 1).to(each), method) for each in ("cpu", pretend.device)]
    removed = []
    for training in trainings:
        updates_of(*training, list(batches(1))[:3])
        removed.append(percolate_model(training[0], training[1] if with_optimizer else None))
    assert sum(map(len, removed[0].values())) > 0
    assert differing(*removed) == []
    assert differing(trainings[0][0].state_dict(), {k: v.cpu() for k, v in trainings[1][0].state_dict().items()}) == []
    if with_optimizer:
        assert not any(off_links(*trainings[1][1:]).values())


# --- attention -------------------------------------------------------------------------------------------------------

TOKENS = torch.arange(16).reshape(2, 8) % 20


def llama():
    return Llama(vocabulary=20, width=16, hidden=20, n_layers=1, n_heads=4, n_kv_heads=2)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(20, 16), nn.Linear(16, 20)
        self.block = nn.TransformerEncoderLayer(16, 4, 24, dropout=0.0, batch_first=True)
        tl.unpack_attention(self)

    def forward(self, tokens):
        return self.head(self.block(self.embedding(tokens)))


@pytest.mark.parametrize(
    ("make", "name", "parts"),
    [
        (llama, "chts", {"per_head": True}),
        (llama, "chtss", {"percolation_unit": "rotary_pair"}),
        (llama, "srigl", {}),
        (Encoder, "chts", {"per_head": True}),
        (Encoder, "rigl", {"percolation": True}),
    ],
)
def test_attention_evolves_as_on_the_cpu(make, name, parts, pretend):
    """Up to rounding, since torch computes attention and sequence layers in other steps on the CPU than elsewhere."""
    links, states, percolated = [], [], 0
    for device in ("cpu", pretend.device):
        torch.manual_seed(0)
        method = method_named(name, density=0.15, **parts)
        model = tl.sparsify(make().double(), method, backend="masked", seed=0).to(device)
        optimizer = OPTIMIZERS["momentum"](model.parameters())
        topology = tl.TopologyScheduler(model, optimizer, method, total_steps=6, interval=INTERVAL)
        tokens, events = TOKENS.to(device), {}
        for _ in range(4):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten()).backward()
            optimizer.step()
            if (update := topology.step()) is not None:
                percolated += sum(len(layer.percolated) for layer in update.values())
                events |= {f"{update.index} {key}": each for key, each in events_of(update).items()}
        links.append(events | topology.itop_rate() | {f"ages {k}": v for k, v in topology.link_ages().items()})
        states.append({key: each.cpu() for key, each in model.state_dict().items()})
        assert not any(off_links(optimizer, topology).values())
        assert topology.groups
    assert differing(*links) == []
    torch.testing.assert_close(*states, rtol=1e-9, atol=1e-12)
    assert percolated or not method.percolation


# --- csr layers ------------------------------------------------------------------------------------------------------


def test_csr_layers_are_rejected_where_torch_has_no_sparse_products(pretend):
    """torch has them for CUDA, but for a device that a package adds only if the package registers them."""
    assert set(BACKENDS) == {"masked", "csr"}
    method = method_named("set")
    model = sparse_model(method, 0, backend="csr").to(pretend.device)
    message = (
        r"the csr backend cannot compute on pretend:0, for which torch has no sparse products: use backend='masked'"
    )
    for use in (
        lambda: model(torch.ones(2, 12, device=pretend.device)),
        lambda: scheduled(model, method),
        lambda: percolate_model(model),
        lambda: check_products(pretend.device),
    ):
        with pytest.raises(InvalidValueError, match=message):
            use()
    assert torch.equal(model.cpu()(torch.ones(2, 12)), sparse_model(method, 0, backend="csr")(torch.ones(2, 12)))
    check_products(torch.device("cpu"))


def test_the_faster_backend_of_a_device_is_the_masked_one(pretend):
    model = tl.sparsify(mlp(64, 2000, 2000, 3).to(pretend.device), tl.method("static", density=0.01))
    assert {type(layer).__name__ for layer in sparse_layers(model).values()} == {"MaskedLinear"}


# --- on two devices --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["set", "chts", "topkast", "static"])
def test_a_model_on_two_devices_is_rejected(name, pretend):
    method = method_named(name)
    model = sparse_model(method, 0)
    model[2].to(pretend.device)
    before = {key: each.clone() for key, each in model.state_dict().items()}
    message = r"the sparse layers are on 2 devices \('0', '4' on cpu; '2' on pretend:0\).*model\.to\(device\)"
    with pytest.raises(InvalidValueError, match=message):
        scheduled(model, method)
    with pytest.raises(InvalidValueError, match=message):
        percolate_model(model)
    assert differing(before, model.state_dict()) == []
    scheduled(model.to(pretend.device), method)


def test_dense_layers_may_be_elsewhere(pretend):
    """Dense layers have no links that could meet others; the user moves activations by hand."""
    method = method_named("chts")
    one, other = (scheduled(sparse_model(method, 0).to(each), method) for each in ("cpu", pretend.device))
    other[0][6].cpu()
    other[0][5].register_forward_hook(lambda module, inputs, output: output.cpu())
    other = scheduled(other[0], method)
    updates, left = (updates_of(*each, list(batches(0))) for each in (one, other))
    assert [differing(*pair) for pair in zip(updates, left, strict=True)] == [[]] * len(updates)
