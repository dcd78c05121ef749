"""Which layers are a model's outputs: declared ones, output embeddings, or the last linear layer."""

import pytest
import torch
from torch import nn

import topolearn as tl
from tests.sparse.conv1d import Conv1D
from topolearn.errors import InvalidTypeError, UnknownNameError
from topolearn.evolution import linear_layers
from topolearn.sparse import output_layers


class Decoding(nn.Module):
    """A decoder that is created before its encoder."""

    def __init__(self, *, embeddings=None, **attributes):
        super().__init__()
        self.decoder = nn.ModuleDict({"hidden": nn.Linear(8, 8), "head": nn.Linear(8, 3)})
        self.encoder = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
        self._embeddings = embeddings
        for name, value in attributes.items():
            setattr(self, name, value)

    def get_output_embeddings(self):
        if self._embeddings == "none of mine":
            raise NotImplementedError
        return None if self._embeddings is None else self.get_submodule(self._embeddings)


class ByMethod(Decoding):
    def output_layers(self):
        return ["decoder.hidden", "decoder.head"]


def tied():
    model = nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 8), nn.Linear(8, 5, bias=False))
    model[2].weight = model[0].weight
    return model


LAST = ["encoder.1"]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Decoding(), LAST),
        (Decoding(embeddings="decoder.head"), ["decoder.head"]),
        (Decoding(embeddings="encoder"), LAST),
        (Decoding(embeddings="none of mine"), LAST),
        (Decoding(output_layers=["decoder.head"]), ["decoder.head"]),
        (Decoding(output_layers=("encoder.0", "decoder.head")), ["encoder.0", "decoder.head"]),
        (Decoding(output_layers=[]), []),
        (Decoding(output_layers=None), LAST),
        (Decoding(output_layers=nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])), ["output_layers.1"]),
        (Decoding(output_layers=["encoder.0"], embeddings="decoder.head"), ["encoder.0"]),
        (ByMethod(embeddings="encoder.0"), ["decoder.hidden", "decoder.head"]),
        (nn.ModuleList([ByMethod(), nn.Linear(2, 2)]), ["0.decoder.hidden", "0.decoder.head"]),
        (nn.ModuleList([Decoding(embeddings="decoder.head"), nn.Linear(2, 2)]), ["0.decoder.head"]),
        (nn.ModuleList([ByMethod(), Decoding(output_layers=["encoder.0"])]),
         ["0.decoder.hidden", "0.decoder.head", "1.encoder.0"]),
        (nn.Sequential(Conv1D(4, 4), Conv1D(4, 4), nn.ReLU()), ["1"]),
        (nn.ReLU(), []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_sparse", [False, True])
def test_outputs_from_a_declaration_from_output_embeddings_or_from_the_order(model, expected, is_sparse):
    if is_sparse and expected:
        tl.sparsify(model, tl.method("set", density=0.5), exclude=[])
    assert list(output_layers(model)) == expected
    if is_sparse:
        tl.densify(model)
    elif expected:
        assert not set(linear_layers(model)) & set(expected)


def test_of_nested_declarations_the_outermost_counts():
    model = nn.ModuleDict({"inner": ByMethod(), "head": nn.Linear(8, 2)})
    assert list(output_layers(model)) == ["inner.decoder.hidden", "inner.decoder.head"]
    model.output_layers = ["head"]
    assert list(output_layers(model)) == ["head"]


def test_a_model_that_is_wrapped_keeps_its_declaration():
    model = torch.compile(Decoding(output_layers=["decoder.head"]))
    assert list(output_layers(model)) == ["_orig_mod.decoder.head"]


@pytest.mark.parametrize(
    ("declared", "error", "message"),
    [
        (["decoder.haed"], UnknownNameError, r"Decoding.output_layers names 'decoder.haed', which .*'decoder.head'\?"),
        (["decoder"], UnknownNameError, r"names 'decoder' \(a ModuleDict\), which is not a linear layer.*decoder.h"),
        ("decoder.head", InvalidTypeError, r"output_layers is 'decoder.head': make it a list"),
        ([1], InvalidTypeError, r"output_layers is \[1\]: make it a list"),
        (3, InvalidTypeError, r"output_layers is 3: make it a list"),
    ],
)
def test_declarations_that_name_no_layer(declared, error, message):
    model = Decoding()
    model.output_layers = declared
    before = list(model.modules())
    with pytest.raises(error, match=message):
        tl.sparsify(model, "set")
    assert list(model.modules()) == before


def test_outputs_whose_weight_is_shared_stay_dense_by_default():
    assert list(tl.sparse.sparse_layers(tl.sparsify(tied(), "set"))) == ["1"]
