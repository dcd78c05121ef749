"""Hidden layers of Hugging Face Transformers, recognised by the names of their linear layers."""

from collections.abc import Iterator, Sequence

from torch import nn

from topolearn.graph import NeuronGroup
from topolearn.sparse.architectures.activation import vanishing_activation
from topolearn.sparse.conversion.dense_layers import is_linear, shape_of

# Writers (two are multiplied with each other) and the reader, for the BART family (OPT, ViT, CLIP, Whisper), GPT-2,
# GPT-J, GPT-NeoX (BLOOM, Falcon), BERT, DistilBERT, T5, and T5 with a gate, in this order.
HIDDEN_LAYERS: Sequence[tuple[tuple[str, ...], str]] = (
    (("fc1",), "fc2"),
    (("c_fc",), "c_proj"),
    (("fc_in",), "fc_out"),
    (("dense_h_to_4h",), "dense_4h_to_h"),
    (("intermediate.dense",), "output.dense"),
    (("lin1",), "lin2"),
    (("wi",), "wo"),
    (("wi_0", "wi_1"), "wo"),
)


def hidden_layer(module: nn.Module) -> Sequence[NeuronGroup] | None:
    """Return the group of a hidden layer, ``fc2(activation(fc1(x)))``, under any of the known names.

    The activation must be 0 at 0. Nothing else in the module may have one parameter per hidden neuron, as in a
    normalisation between the two layers, which would couple the neurons.
    """
    for writers, reader in HIDDEN_LAYERS:
        layers = [_submodule(module, name) for name in (*writers, reader)]
        if any(layer is None or not is_linear(layer) for layer in layers):
            continue
        widths = {shape_of(layer)[0] for layer in layers[:-1] if layer is not None}
        width = shape_of(layers[-1])[1] if layers[-1] is not None else 0
        if widths != {width} or width in set(_other_vectors(module, (*writers, reader))):
            return None
        owner = _submodule(module, writers[0].rpartition(".")[0])
        if owner is None or not vanishing_activation(owner):
            return None
        return [NeuronGroup(writers, (reader,), combine="all" if len(writers) > 1 else "any")]
    return None


def _submodule(module: nn.Module, name: str) -> nn.Module | None:
    try:
        return module.get_submodule(name)
    except AttributeError:
        return None


def _other_vectors(module: nn.Module, names: Sequence[str]) -> Iterator[int]:
    """Yield the lengths of the vectors among a module's parameters, except those of the named layers."""
    for path, parameter in module.named_parameters():
        if parameter.dim() == 1 and path.rpartition(".")[0] not in names:
            yield parameter.numel()
