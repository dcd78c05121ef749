"""`unpack_attention`: prepares the attention of a model for becoming sparse."""

from torch import nn

from topolearn.errors import InvalidValueError
from topolearn.sparse.attention.module import Attention
from topolearn.sparse.conversion.carry_over import carry_over, check_room, put_in_place


def unpack_attention(model: nn.Module) -> nn.Module:
    """Replace every `torch.nn.MultiheadAttention` of a model with an `Attention` that has the same weights, in place.

    torch packs the weights of query, key and value into one matrix; `topolearn.sparsify` needs a linear layer for each.
    Outputs stay the same, including those of torch's Transformer layers. These no longer take their fused path for
    inference, so where a `torch.nn.TransformerEncoder` returned 0 for padded positions, it now returns the same as in
    training. A module that occurs at several places stays shared.

    Call it with the whole model, after loading checkpoints with packed weights and before creating the optimizer.
    Training mode, hooks, ``requires_grad``, and buffers and attributes that the user added are kept, including those
    of the output layer.

    Parameters
    ----------
    model : torch.nn.Module
        Any model; one without `torch.nn.MultiheadAttention` is returned unchanged.

    Returns
    -------
    torch.nn.Module
        The model itself.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the model is itself such a module, one shares a weight with another module, or one cannot be unpacked; see
        `Attention.from_multihead`. The model is unchanged in that case.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> layer = torch.nn.TransformerEncoderLayer(64, 8, 128, batch_first=True)
    >>> list(tl.topology_of(tl.sparsify(tl.unpack_attention(layer), "set")).graphs)
    ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj', 'self_attn.out_proj', 'linear1']
    """
    if isinstance(model, nn.MultiheadAttention):
        raise InvalidValueError(
            "the model is itself an nn.MultiheadAttention and cannot be replaced in place: use "
            "Attention.from_multihead(model)"
        )
    _check_unshared(model)
    packed = [module for module in model.modules() if isinstance(module, nn.MultiheadAttention)]
    unpacked = {module: Attention.from_multihead(module) for module in packed}
    for module, attention in unpacked.items():
        check_room(_name(model, module), module, attention)
    for module, attention in unpacked.items():
        carry_over(module.out_proj, attention.out_proj)
        carry_over(module, attention)
    put_in_place(model, unpacked)
    for encoder in model.modules():
        if isinstance(encoder, nn.TransformerEncoder) and any(isinstance(m, Attention) for m in encoder.modules()):
            encoder.use_nested_tensor = False  # nested tensors would need the layers' fused path
    return model


def _name(model: nn.Module, module: nn.Module) -> str:
    return next(path for path, each in model.named_modules() if each is module)


def _check_unshared(model: nn.Module) -> None:
    """Raise if attention shares a parameter with another module, since copies of it would drift apart."""
    packed = [module for module in model.modules() if isinstance(module, nn.MultiheadAttention)]
    within = {id(inner) for module in packed for inner in module.modules()} - {id(module) for module in packed}
    owners: dict[int, list[str]] = {}
    for path, module in model.named_modules():
        if id(module) not in within:
            for name, parameter in module.named_parameters(recurse=isinstance(module, nn.MultiheadAttention)):
                owners.setdefault(id(parameter), []).append(f"{path}.{name}")
    for module in packed:
        for parameter in module.parameters():
            shared = owners[id(parameter)]
            if len(shared) > 1:
                raise InvalidValueError(
                    f"attention shares a parameter ({', '.join(shared)}), and unpacking would make separate copies of "
                    "it: give each module its own parameter"
                )
