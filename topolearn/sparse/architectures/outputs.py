"""Finds the layers whose neurons are the outputs of a model."""

from collections.abc import Iterator

from torch import nn

from topolearn.errors import InvalidTypeError, UnknownNameError
from topolearn.registry import suggest
from topolearn.sparse.conversion.dense_layers import is_linear


def output_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the linear layers whose neurons are the outputs of a model, sparse or dense, by name.

    The first of these that applies:

    1. the layers that a module declares with an attribute or method ``output_layers``, a list of their names in this
       module. Of nested modules, the outermost declaration counts. An empty list means that there are none. An
       attribute that is a module, such as a `torch.nn.ModuleList`, is not a declaration;
    2. the layer that the method ``get_output_embeddings`` of a module returns, as in Hugging Face models;
    3. the last linear layer in module order.

    `topolearn.sparsify` leaves them dense by default, and SRigL never ablates their neurons.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When a declaration is not a list of names, or names something that is not a linear layer.

    Examples
    --------
    In this model, the decoder with the outputs comes first, so they have to be declared:

    >>> model = nn.ModuleDict({"decoder": nn.Linear(8, 3), "encoder": nn.Linear(4, 8)})
    >>> list(output_layers(model))
    ['encoder']
    >>> model.output_layers = ["decoder"]
    >>> list(output_layers(model))
    ['decoder']
    """
    names = {id(module): name for name, module in model.named_modules() if is_linear(module)}
    declared = list(_declared(model))
    if declared:
        layers = [layer for module, given in declared for layer in _named(module, given)]
    else:
        layers = _embeddings(model, names) or [module for module in model.modules() if id(module) in names][-1:]
    return {names[id(layer)]: layer for layer in layers}


def _declared(module: nn.Module) -> Iterator[tuple[nn.Module, list[str]]]:
    """Yield the outermost modules that declare outputs, with the names that they declare."""
    given = getattr(module, "output_layers", None)
    given = given() if callable(given) and not isinstance(given, nn.Module) else given
    if given is None or isinstance(given, nn.Module):
        for child in module.children():
            yield from _declared(child)
        return
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
        raise InvalidTypeError(
            f"{type(module).__name__}.output_layers is {given!r}: make it a list of the names of linear layers, such "
            "as ['head']"
        )
    yield module, list(given)


def _named(module: nn.Module, names: list[str]) -> Iterator[nn.Module]:
    for name in names:
        try:
            layer = module.get_submodule(name)
        except AttributeError:
            layer = None
        if layer is None or not is_linear(layer):
            known = [path for path, each in module.named_modules() if is_linear(each)]
            kind = "" if layer is None else f" (a {type(layer).__name__})"
            raise UnknownNameError(
                f"{type(module).__name__}.output_layers names {name!r}{kind}, which is not a linear layer: "
                f"{suggest(name, known)}"
            )
        yield layer


def _embeddings(model: nn.Module, names: dict[int, str]) -> list[nn.Module]:
    """Return the output embeddings of the outermost module that defines them, if they are a linear layer."""
    for module in model.modules():
        ask = getattr(module, "get_output_embeddings", None)
        try:
            layer = ask() if callable(ask) else None
        except NotImplementedError:  # raised by base classes of such models
            continue
        if isinstance(layer, nn.Module) and id(layer) in names:
            return [layer]
    return []
