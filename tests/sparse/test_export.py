"""The plain architecture of a sparse model loads its exported weights strictly and gives the same outputs."""

import copy

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import topolearn as tl
from tests.evolution.loops import advance, backends_of, setup
from topolearn.errors import InvalidValueError
from topolearn.sparse import dense_state


def plain():
    return nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3))


def load(path):
    return load_file(path) if path.suffix == ".safetensors" else torch.load(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".bin"])
@pytest.mark.parametrize("method", ["chtss", "gmp", "topkast"])
def test_a_plain_model_loads_it_strictly_and_computes_the_same(method, suffix, tmp_path):
    x = torch.randn(5, 12)
    for backend in backends_of(method):
        training = setup(method, backend=backend)
        advance(*training, 7)
        before = {key: value.clone() for key, value in training[0].state_dict().items()}
        path = tl.export_dense(training[0], tmp_path / "weights" / f"{backend}{suffix}")
        dense = plain()
        dense.load_state_dict(load(path), strict=True)
        assert torch.allclose(dense(x), training[0](x), atol=1e-6)
        assert all(torch.equal(value, before[key]) for key, value in training[0].state_dict().items())
        assert list(dense_state(training[0])) == list(dense.state_dict())


class Conv1D(nn.Module):
    """GPT-2's linear layer, whose weight has the shape (inputs, outputs)."""

    def __init__(self, nf, nx):
        super().__init__()
        self.nf, self.nx = nf, nx
        self.weight, self.bias = nn.Parameter(torch.randn(nx, nf)), nn.Parameter(torch.zeros(nf))

    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight)


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_transposed_weight_is_saved_in_the_layout_of_its_architecture(backend, tmp_path):
    model = tl.sparsify(
        nn.Sequential(Conv1D(8, 6), nn.ReLU(), nn.Linear(8, 2)), tl.method("set", density=0.5), backend=backend
    )
    dense = nn.Sequential(Conv1D(8, 6), nn.ReLU(), nn.Linear(8, 2))
    dense.load_state_dict(torch.load(tl.export_dense(model, tmp_path / "w.pt")), strict=True)
    x = torch.randn(3, 6)
    assert torch.allclose(dense(x), model(x), atol=1e-6)


class Pretrained(nn.Sequential):
    """A model that saves itself to a folder, as Hugging Face models do."""

    def save_pretrained(self, folder, state_dict=None):
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(state_dict, folder / "pytorch_model.bin")


def test_a_model_that_writes_folders_does_so_with_dense_weights(tmp_path):
    model = tl.sparsify(Pretrained(nn.Linear(8, 8), nn.Linear(8, 2)), tl.method("set", density=0.5), backend="csr")
    folder = tl.export_dense(model, tmp_path / "model")
    state = torch.load(folder / "pytorch_model.bin")
    assert list(state) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert torch.equal(state["0.weight"], model[0].dense_weight())


def test_tied_weights_are_written_under_each_name(tmp_path):
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8))
    model[2].weight = model[1].weight
    model = tl.sparsify(model, tl.method("set", density=0.5), exclude=["1", "2"])
    state = load_file(tl.export_dense(model, tmp_path / "w.safetensors"))
    assert torch.equal(state["1.weight"], state["2.weight"])


@pytest.mark.parametrize(
    ("name", "message"),
    [("w.onnx", "has the suffix '.onnx': use one of .safetensors, .pt"), ("folder", "no save_pretrained: name a file")],
)
def test_an_export_that_is_not_possible_is_rejected_and_leaves_nothing(name, message, tmp_path):
    model = setup("set")[0]
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(InvalidValueError, match=message):
        tl.export_dense(model, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_what_a_user_added_to_a_layer_is_written_too(tmp_path):
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    model[0].register_buffer("scale", torch.ones(3))
    tl.sparsify(model, tl.method("set", density=0.5), backend="csr")
    assert list(dense_state(model)) == ["0.weight", "0.bias", "0.scale", "1.weight", "1.bias"]


def mixed():
    return nn.Sequential(Conv1D(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_sparse_model_reads_what_it_wrote_for_the_plain_architecture(backend):
    """Even if the dense weight is square, so that its shape does not show that it is transposed."""
    model, other = (tl.sparsify(mixed(), tl.method("set", density=0.4), backend=backend) for _ in range(2))
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(2)
    result = other.load_state_dict(dense_state(model), strict=True)
    assert not result.missing_keys
    assert not result.unexpected_keys
    for key, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


@pytest.mark.parametrize("method", ["chtss", "gmp", "topkast"])
def test_a_training_that_reloads_its_own_dense_weights_continues_unchanged(method):
    for backend in backends_of(method):
        states = []
        for reloads in (False, True):
            training = setup(method, backend=backend)
            advance(*training, 7)
            if reloads:
                training[0].load_state_dict(dense_state(training[0]))
            advance(*training, 7)
            states.append(training[0].state_dict())
        assert all(torch.equal(value, states[0][key]) for key, value in states[1].items())


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (torch.ones(6, 6), r"0\.weight has \d+ non-zero weights off the links.*load the topology first"),
        (torch.ones(6, 7), r"weight.*shape"),
    ],
)
def test_a_dense_weight_that_does_not_fit_is_rejected_and_changes_nothing(backend, weight, message):
    model = tl.sparsify(mixed(), tl.method("set", density=0.4), backend=backend)
    before = copy.deepcopy(model[0].state_dict())
    with pytest.raises(RuntimeError, match=message):
        model.load_state_dict({**dense_state(model), "0.weight": weight})
    assert all(torch.equal(value, before[key]) for key, value in model[0].state_dict().items())
