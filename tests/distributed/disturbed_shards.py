"""Sharded training with everything else that loops do, and what is rejected, as one of several ranks."""

import warnings
from functools import partial

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

import topolearn as tl
from tests.distributed.shards import STEPS, batches, fully_sharded, n_off_links, run, scheduler, sparse_model, state
from topolearn.errors import TopolearnError
from topolearn.sparse.weights.local_tensors import local_of
from topolearn.training.models import Llama


def momentum(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)


def plain(model, optimizer, topology, mine, world):
    return run(model, optimizer, topology, mine, world)


def in_passes(model, optimizer, topology, mine, world, *, syncs=True, clears=False, to_none=True, scaler=None):
    """Accumulate three passes; without ``syncs``, ranks only reduce at the last; with ``clears``, the first is lost."""
    x, y = batches()
    links = []
    for step in range(STEPS):
        optimizer.zero_grad(set_to_none=to_none)
        inputs, targets = ([third.chunk(world)[mine] for third in each[step].chunk(3)] for each in (x, y))
        for i in range(3):
            if hasattr(model, "set_requires_gradient_sync"):
                model.set_requires_gradient_sync(syncs or i == 2)
            loss = nn.functional.cross_entropy(model(inputs[i]), targets[i]) / 3
            (loss if scaler is None else scaler.scale(loss)).backward()
            if clears and i == 0:
                optimizer.zero_grad(set_to_none=to_none)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        if topology.step() is not None:
            links.append({name: layer.cells().tolist() for name, layer in topology.layers.items()})
    return links


def scaled(model, optimizer, topology, mine, world):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    return in_passes(model, optimizer, topology, mine, world, scaler=scaler)


def freeze(model):
    model[2].weight.requires_grad_(False)


# What a case changes: the method and its overrides, the loop, and what is done to the model before it is sharded.
CASES = {
    "accumulated": ("rigl", {}, in_passes, None),
    "accumulated without synchronising": ("rigl", {}, partial(in_passes, syncs=False), None),
    "cleared to none": ("rigl", {}, partial(in_passes, clears=True), None),
    "cleared in place": ("rigl", {}, partial(in_passes, clears=True, to_none=False), None),
    "scaled": ("rigl", {}, scaled, None),
    "scaled, by links": ("mest", {}, scaled, None),
    "soft by gradient": ("set", {"regrowth": "gradient-soft"}, plain, None),
    "no return": ("rigl", {"allow_return": False}, plain, None),
    "pooled": ("granet", {"distribution": "global"}, plain, None),
    "frozen": ("rigl", {}, plain, freeze),
    "dense storage, by gradient": ("granet", {"storage": "dense"}, plain, None),
    "percolating": ("set", {"percolation": True, "regrowth": "gradient"}, plain, None),
    "early stop": ("set", {"early_stop": True, "theta": 0.05}, plain, None),
    "one row": ("set", {"sizes": (12, 1, 41, 3)}, plain, None),
    "few rows": ("rigl", {"sizes": (12, 4, 41, 3)}, plain, None),
}  # fmt: skip


def case(name, mine=0, world=1, wrap=lambda model: model):
    method, overrides, loop, change = CASES[name]
    model, rule = sparse_model(method, **overrides)
    if change is not None:
        change(model)
    model = wrap(model)
    optimizer = momentum(model)
    topology = scheduler(model, optimizer, rule)
    links = loop(model, optimizer, topology, mine, world)
    return links, state(model), n_off_links(topology.layers, optimizer)


def language_model(mine=0, world=1, wrap=False):
    """Train a LLaMA with gates whose heads evolve separately, using gradients; return the links after each update."""
    torch.manual_seed(0)
    model = Llama(vocabulary=20, width=24, hidden=37, n_layers=2, n_heads=4, n_kv_heads=2).double()
    rule = tl.method("chts", density=0.3, regrowth="gradient-soft", per_head=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the embedding, which stays dense
        model = tl.sparsify(model, rule, backend="masked")
    if wrap:
        mesh = init_device_mesh("cpu", (world,))
        for block in model.model["layers"]:
            fully_shard(block, mesh=mesh)
        tl.distributed.shard_topology(fully_shard(model, mesh=mesh), mesh)
    optimizer = momentum(model)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=6, interval=2)
    links = []
    for step in range(6):
        tokens = torch.randint(20, (6, 9), generator=torch.Generator().manual_seed(step)).chunk(world)[mine]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimizer.step()
        if topology.step() is not None:
            links.append({name: layer.cells().tolist() for name, layer in topology.layers.items()})
    return links


def low_precision(mine, world):
    """Train with gathered weights in bf16; return the links, their number, and non-zero values off them."""
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    model, rule = sparse_model("rigl", dtype=torch.float32)
    model = fully_sharded(model, world, mp_policy=policy)
    optimizer = momentum(model)
    topology = scheduler(model, optimizer, rule)
    x, y = batches(torch.float32)
    for step in range(STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[step].chunk(world)[mine]).float(), y[step].chunk(world)[mine]).backward()
        optimizer.step()
        topology.step()
    cells = {name: layer.cells().tolist() for name, layer in topology.layers.items()}
    return cells, topology.plan.final, n_off_links(topology.layers, optimizer)


def written_by_others(mine, world):
    """Write into the shards of weights; return their values after the next forward pass, and the warnings."""
    model = fully_sharded(sparse_model("set")[0], world)
    with torch.no_grad():
        for layer in tl.sparse.sparse_layers(model).values():
            local_of(layer.link_parameter).add_(1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model(batches()[0][0])
    layers = tl.sparse.sparse_layers(model)
    off = sum(int(local_of(each.link_parameter.detach())[~each.mask].count_nonzero()) for each in layers.values())
    return off, [str(each.message) for each in caught]


def rejected(act):
    """Return the error that an action raises, or None."""
    try:
        act()
    except TopolearnError as error:
        return f"{type(error).__name__}: {error}"
    return None


def shard(model, world, change=lambda model, mesh: None):
    mesh = init_device_mesh("cpu", (world,))
    fully_shard(model, mesh=mesh)
    change(model, mesh)
    return tl.distributed.shard_topology(model, mesh)


def two_dimensions(world):
    model, _ = sparse_model("set")
    mesh = init_device_mesh("cpu", (world, 1), mesh_dim_names=("replicas", "shards"))
    fully_shard(model, mesh=mesh)
    tl.distributed.shard_topology(model, mesh)


def by_columns(world):
    model, _ = sparse_model("set")
    mesh = init_device_mesh("cpu", (world,))
    parallelize_module(model, mesh, {"0": ColwiseParallel()})
    optimizer = momentum(model)
    scheduler(model, optimizer, tl.method("set", density=0.2))


def on_csr(world):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 37), nn.ReLU(), nn.Linear(37, 3))
    shard(tl.sparsify(model, tl.method("set", density=0.2), backend="csr"), world)


def without_links(method, world):
    model, rule = sparse_model(method)
    fully_shard(model, mesh=init_device_mesh("cpu", (world,)))
    scheduler(model, momentum(model), rule)


def of_method(method, world, **overrides):
    model, rule = sparse_model(method, **overrides)
    model = shard(model, world)
    scheduler(model, momentum(model), rule)


def before_sparsify(world):
    model = nn.Sequential(nn.Linear(12, 37), nn.ReLU(), nn.Linear(37, 3))
    fully_shard(model, mesh=init_device_mesh("cpu", (world,)))
    tl.sparsify(model, "set")


def not_sharded(world):
    tl.distributed.shard_topology(sparse_model("set")[0], init_device_mesh("cpu", (world,)))


def not_sparse(world):
    shard(nn.Sequential(nn.Linear(12, 37), nn.ReLU(), nn.Linear(37, 3)), world)


def twice(world):
    shard(sparse_model("set")[0], world, tl.distributed.shard_topology)


def old_optimizer(world):
    model, rule = sparse_model("set")
    optimizer = momentum(model)
    scheduler(shard(model, world), optimizer, rule)


def not_finite(index, world):
    """A gradient of one rank's rows is not finite at an update."""
    model, rule = sparse_model("rigl")
    model = fully_sharded(model, world)
    optimizer = momentum(model)
    topology = scheduler(model, optimizer, rule)
    x, y = batches()
    for step in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[step]), y[step]).backward()
        if step == 1 and index == 0:
            topology.layers["0"].record.own_rows[0, 0] = torch.nan
        optimizer.step()
        topology.step()


def rejections(index, world):
    return {
        "another seed": rejected(lambda: shard(sparse_model("set", seed=index)[0], world)),
        "another model": rejected(lambda: shard(sparse_model("set", sizes=(12, 37, 41 + index, 3))[0], world)),
        "hsdp": rejected(partial(two_dimensions, world)),
        "columns": rejected(partial(by_columns, world)),
        "csr": rejected(partial(on_csr, world)),
        "no links": rejected(partial(without_links, "set", world)),
        "before sparsify": rejected(partial(before_sparsify, world)),
        "not sharded": rejected(partial(not_sharded, world)),
        "not sparse": rejected(partial(not_sparse, world)),
        "twice": rejected(partial(twice, world)),
        "old optimizer": rejected(partial(old_optimizer, world)),
        "deepr": rejected(partial(of_method, "deepr", world, interval=2)),
        "srigl": rejected(partial(of_method, "srigl", world)),
        "not finite": rejected(partial(not_finite, index, world)),
        "mesh": rejected(lambda: tl.distributed.shard_topology(sparse_model("set")[0], "cpu")),
    }


def disturbed(index, world):
    """Run everything on two ranks; on three, only what needs three."""
    language = language_model(index, world, wrap=True)
    names = ["few rows", "frozen"] if world == 3 else list(CASES)
    results = {"language": language}
    results["cases"] = {name: case(name, index, world, lambda model: fully_sharded(model, world)) for name in names}
    if world == 2:
        results["low precision"] = low_precision(index, world)
        results["written"] = written_by_others(index, world)
        results["rejected"] = rejections(index, world)
    return results
