"""Distributed training on two ranks, and the same training in one process."""

import copy
import pickle
from functools import partial

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import topolearn as tl
from tests.evolution.loops import OPTIMIZERS, mlp
from topolearn.errors import TopolearnError

CASES = [
    ("set", "masked"), ("set", "csr"), ("rigl", "masked"), ("rigl", "csr"), ("srigl", "masked"), ("mest", "masked"),
    ("chts", "csr"), ("granet", "masked"), ("gmp", "masked"), ("topkast", "masked"), ("chtss", "masked"),
]  # fmt: skip


def sparse_mlp(method, sizes=(12, 20, 16, 3), seed=0, backend="masked", dtype=torch.float32, **overrides):
    """Return a small MLP sparsified with a method, its optimizer, and the method, without a scheduler."""
    torch.manual_seed(0)
    rule = tl.method(method, density=0.2, **overrides)
    model = tl.sparsify(mlp(*sizes).to(dtype), rule, seed=seed, backend=backend)
    return model, OPTIMIZERS["momentum"](model.parameters()), rule


def trained(method, backend, parts, mine, wrap=lambda model: model, **options):
    """Train on some of the parts of each batch; return the links after each update and the final weights."""
    model, trainer, rule = sparse_mlp(method, backend=backend, dtype=torch.float64)
    model = wrap(model)
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=12, interval=2, **options)
    torch.manual_seed(1)
    x, y = torch.randn(12, 16, 12, dtype=torch.float64), torch.randint(0, 3, (12, 16))
    links = []
    for step in range(12):
        inputs, targets = (torch.cat([each[step].chunk(parts)[i] for i in mine]) for each in (x, y))
        trainer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        trainer.step()
        if topology.step() is not None:
            links.append({name: layer.cells().tolist() for name, layer in topology.layers.items()})
    return links, {name: layer.dense_weight() for name, layer in topology.layers.items()}


def copied(group):
    """Copy a scheduler that was given a group, and one that was not; return the error and the group of the copy."""
    model, trainer, rule = sparse_mlp("rigl")
    given = tl.TopologyScheduler(model, trainer, rule, total_steps=12, interval=2, process_group=group)
    world = tl.TopologyScheduler(model, trainer, rule, total_steps=12, interval=2)
    try:
        copy.deepcopy(given)
        error = None
    except TopolearnError as problem:
        error = str(problem)
    return error, [each.process_group is dist.group.WORLD for each in (copy.deepcopy(world), pickled(world))]


def pickled(value):
    return pickle.loads(pickle.dumps(value))


def scheduled(method="set", backend="masked", wrap=None, sparsified=None, make=None, **options):
    """Create a scheduler; return the error that it raised, or None."""
    model, trainer, rule = sparse_mlp(method, backend=backend, **(sparsified or {}))
    trainer = make(model.parameters()) if make else trainer
    model = wrap(model) if wrap else model
    try:
        tl.TopologyScheduler(model, trainer, rule, **{"total_steps": 12, "interval": 2} | options)
    except TopolearnError as error:
        return type(error).__name__, str(error)
    return None


# What each of two ranks passes, and the error that both then raise.
DIFFERENT = {
    "alike": ({}, {}),
    "seed": ({"seed": 0}, {"seed": 1}),
    "interval": ({"interval": 2}, {"interval": 3}),
    "total_steps": ({"total_steps": 12}, {"total_steps": 13}),
    "method": ({"method": "set"}, {"method": "rigl"}),
    "override": ({"sparsified": {"zeta": 0.3}}, {"sparsified": {"zeta": 0.2}}),
    "links": ({"sparsified": {"seed": 0}}, {"sparsified": {"seed": 1}}),
    "shape": ({"sparsified": {"sizes": (12, 20, 16, 3)}}, {"sparsified": {"sizes": (12, 20, 18, 3)}}),
    "layers": ({"sparsified": {"sizes": (12, 20, 16, 3)}}, {"sparsified": {"sizes": (12, 20, 3)}}),
    "optimizer": ({}, {"make": torch.optim.Rprop}),
    "both": ({"interval": 0}, {"make": torch.optim.Rprop}),
    "csr": ({"method": "chtss", "backend": "csr"}, {"method": "chtss", "backend": "csr"}),
    "csr of constant density": ({"method": "chts", "backend": "csr"}, {"method": "chts", "backend": "csr"}),
    "masked": ({"method": "chtss"}, {"method": "chtss"}),
}


def rank(index, store, folder):
    """Run all cases as one of two ranks, with half of each batch, and write the results to a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=index, world_size=2)
    alone = [dist.new_group([0]), dist.new_group([1])]
    results = {}
    for method, backend in CASES:
        results[method, backend] = trained(method, backend, 2, [index], DistributedDataParallel)
    results["csr under ddp"] = scheduled("chtss", "csr", wrap=DistributedDataParallel)
    results["told"] = {name: scheduled(**given[index]) for name, given in DIFFERENT.items()}
    results["alone"] = trained("rigl", "masked", 2, [index], process_group=alone[index], seed=index)
    wrap = partial(DistributedDataParallel, process_group=alone[index])
    results["wrapped alone"] = trained("rigl", "masked", 2, [index], wrap, seed=index)
    results["csr alone"] = scheduled("chtss", "csr", process_group=alone[index])
    results["copied"] = copied(alone[index])
    results["not a member"] = scheduled(process_group=alone[1 - index])
    torch.save(results, f"{folder}/{index}.pt")
    dist.destroy_process_group()


def rank_of_four(index, store, folder):
    """Train two models on four ranks, each on two of them with its own seed."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=index, world_size=4)
    groups = [dist.new_group([0, 2]), dist.new_group([1, 3])]
    mine, place = groups[index % 2], index // 2
    results = {
        "wrapped": trained(
            "rigl", "masked", 2, [place], partial(DistributedDataParallel, process_group=mine), seed=index % 2
        ),
        "told": scheduled(process_group=mine, seed=index // 2),
    }
    torch.save(results, f"{folder}/{index}.pt")
    dist.destroy_process_group()
