"""`shard_topology`: shard the links of a model whose weights were sharded with ``fully_shard``."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from topolearn.distributed.agreement import agreement
from topolearn.distributed.row_shards import RowShard
from topolearn.distributed.sharded_linear import ShardedLinear
from topolearn.distributed.sharded_stored import ShardedStored
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sparse import CsrLinear, MaskedLinear, SparseLinear, StoredLinear, sparse_layers

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh


def shard_topology(model: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """Shard the links of a model in place, in the same way as ``fully_shard`` (FSDP2) has sharded its weights.

    Call `topolearn.sparsify`, ``fully_shard`` and this function, create the optimizer, and then
    `topolearn.TopologyScheduler` as usual. Each rank masks the rows of weights, gradients and moments that it holds.
    Gradients are masked after the reduce-scatter, so that norms for clipping only count links. Updates choose the same
    links as one process would.

    All ranks must call it, with the same links. Afterwards ``layer.mask`` has this rank's rows, and ``layer.cells()``
    all links. A ``state_dict`` has sharded tensors, including the links as packed bits, that
    ``torch.distributed.checkpoint`` can save and load on any number of ranks.

    Parameters
    ----------
    model : torch.nn.Module
        A model with sparse layers, all on the masked backend.
    mesh : DeviceMesh
        The one-dimensional mesh that was passed to ``fully_shard``.

    Returns
    -------
    torch.nn.Module
        The model.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        On every rank, if the model has no sparse layer, a layer is on the csr backend or its weight is not sharded by
        rows over this mesh alone, or ranks have different layers or links.

    Examples
    --------
    >>> import tempfile, torch, topolearn as tl
    >>> import torch.distributed as dist
    >>> from torch.distributed.device_mesh import init_device_mesh
    >>> from torch.distributed.fsdp import fully_shard
    >>> dist.init_process_group("gloo", init_method=f"file://{tempfile.mkdtemp()}/store", rank=0, world_size=1)
    >>> mesh = init_device_mesh("cpu", (1,))
    >>> model = tl.sparsify(nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2)), "set", backend="masked")
    >>> model = fully_shard(model, mesh=mesh)
    >>> model = tl.distributed.shard_topology(model, mesh)
    >>> model[0].n_links, model[0].weight.placements
    (2, (Shard(dim=0),))
    >>> dist.destroy_process_group()
    """
    if not hasattr(mesh, "get_group") or not hasattr(mesh, "ndim"):
        raise InvalidTypeError(f"mesh={mesh!r} must be a DeviceMesh: pass the same mesh as to fully_shard")
    if mesh.ndim > 1:
        raise InvalidValueError(
            f"mesh has {mesh.ndim} dimensions, as with hybrid sharding (HSDP) and tensor parallelism, which is not "
            "supported: shard the model over a mesh of one dimension"
        )
    layers: dict[str, SparseLinear] = {}
    with agreement(mesh.get_group() if mesh.size() > 1 else None, lambda: _facts(layers)):
        layers |= sparse_layers(model)
        if not layers:
            raise InvalidValueError(
                "the model has no sparse layer: call tl.sparsify(model, method, backend='masked') before fully_shard"
            )
        shards = {name: _shard_of(name, layer, mesh) for name, layer in layers.items()}
    sharded: list[ShardedLinear] = []
    for name, layer in layers.items():
        sharded_class: Any = _as_sharded(
            type(layer), ShardedStored if isinstance(layer, StoredLinear) else ShardedLinear
        )
        layer.__class__ = sharded_class
        assert isinstance(layer, ShardedLinear)
        layer.become_sharded(shards[name])
        sharded.append(layer)
    mask = partial(_mask_foreign_writes, sharded)
    model.register_forward_pre_hook(mask, prepend=True)  # before the weights are gathered
    return model


def is_sharded(layer: SparseLinear) -> bool:
    """Return whether the parameter of a layer is sharded over ranks, by topolearn or otherwise."""
    return isinstance(layer, ShardedLinear) or hasattr(layer.link_parameter, "placements")


def _shard_of(name: str, layer: SparseLinear, mesh: DeviceMesh) -> RowShard:
    if isinstance(layer, ShardedLinear):
        raise InvalidValueError(f"layer {name!r} is sharded already: call shard_topology once")
    if isinstance(layer, CsrLinear):
        raise InvalidValueError(
            f"layer {name!r} is on the csr backend, whose values have no rows to shard: use "
            "sparsify(model, method, backend='masked')"
        )
    return RowShard.of(layer.link_parameter, mesh, name)


def _as_sharded(kind: type[nn.Module], sharded: type[nn.Module]) -> type[nn.Module]:
    """Return the class of a sharded layer, which remains an ``FSDPModule`` if it was one."""
    from torch.distributed.fsdp import FSDPModule

    if issubclass(kind, FSDPModule):
        return type(f"FSDP{sharded.__name__}", (FSDPModule, sharded), {})
    return sharded


def _facts(layers: dict[str, SparseLinear]) -> dict[str, str]:
    """Return everything that must be the same on all ranks."""
    facts = {"layers": ", ".join(layers)}
    for name, layer in layers.items():
        assert isinstance(layer, MaskedLinear)
        facts[f"shape of layer {name!r}"] = repr(layer.shape)
        facts[f"links of layer {name!r}"] = f"{layer.n_links} with hash {_hash(layer.mask)}"
        facts[f"trained cells of layer {name!r}"] = f"those with hash {_hash(layer.trained_mask)}"
    return facts


def _hash(mask: Tensor) -> str:
    return hashlib.sha256(mask.cpu().numpy().tobytes()).hexdigest()[:16]


def _mask_foreign_writes(layers: list[ShardedLinear], *_: Any) -> None:
    for layer in layers:
        layer.mask_foreign_writes()
