"""The code of each of two ranks in the tests of ``DistributedDataParallel``, and its single-process reference."""

from contextlib import nullcontext
from functools import partial

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import topolearn as tl
from tests.evolution.loops import mlp
from topolearn.errors import TopolearnError

STEPS, INTERVAL, EXAMPLES = 12, 3, 16
BRANCHING = [("rigl", "masked"), ("rigl", "csr"), ("mest", "masked")]
METHODS = ("set", "rigl")  # one needs no gradient, the other that of all cells
OPTIONS = {
    "default": {},
    "find_unused_parameters": {"find_unused_parameters": True},
    "static_graph": {"static_graph": True},
    "gradient_as_bucket_view": {"gradient_as_bucket_view": True},
}


class WithNorm(nn.Module):
    """A sparse MLP after a batch norm, whose buffers ranks continue to share."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(12, affine=False)
        self.mlp = mlp(12, 20, 16, 3)

    def forward(self, x):
        return self.mlp(self.norm(x))


class CountingWrapper(DistributedDataParallel):
    """Counts the bytes of the buffers that it sends."""

    sent = 0

    def _distributed_broadcast_coalesced(self, tensors, *args):
        self.sent += sum(tensor.nbytes for tensor in tensors)
        super()._distributed_broadcast_coalesced(tensors, *args)


def made(method, backend="masked", seed=0, model=None):
    torch.manual_seed(0)
    rule = tl.method(method, density=0.2)
    model = tl.sparsify((model or mlp(12, 20, 16, 3)).to(torch.float64), rule, seed=seed, backend=backend)
    return model, rule


def wrapped(model, option):
    if option == "find_unused_parameters":
        model.register_parameter("unused", nn.Parameter(torch.ones(3)))  # which is an error without the option
    return DistributedDataParallel(model, **OPTIONS[option])


def batches():
    torch.manual_seed(1)
    return zip(
        torch.randn(STEPS, EXAMPLES, 12, dtype=torch.float64), torch.randint(0, 3, (STEPS, EXAMPLES)), strict=True
    )


def trained(method, backend, ranks, mine, wrap=None, accumulate=1, early=False):
    """Train on a share of each batch, in several passes; return links after each update, dense weights, and zeros."""
    model, rule = made(method, backend)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    topology = None
    if early:
        topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=INTERVAL)
    model = wrap(model) if wrap else model
    if not early:
        topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=INTERVAL)
    links, off = [], 0
    for x, y in batches():
        optimizer.zero_grad()
        passes = list(zip(x.chunk(ranks)[mine].chunk(accumulate), y.chunk(ranks)[mine].chunk(accumulate), strict=True))
        for i, (inputs, targets) in enumerate(passes):
            waits = wrap is not None and i < accumulate - 1
            with model.no_sync() if waits else nullcontext():
                (nn.functional.cross_entropy(model(inputs), targets) / accumulate).backward()
        optimizer.step()
        if topology.step() is not None:
            links.append({name: layer.cells().tolist() for name, layer in topology.layers.items()})
        if backend == "masked" and method != "topkast":
            off += sum(int(((each.weight != 0) & ~each.mask).sum()) for each in topology.layers.values())
    return links, {name: layer.dense_weight() for name, layer in topology.layers.items()}, off


def cases():
    for method in METHODS:
        for backend in ("masked", "csr"):
            for option in OPTIONS:
                yield method, backend, option, 1
            yield method, backend, "default", 2
        yield method, "masked", "gradient_as_bucket_view", 2
    yield "topkast", "masked", "default", 1
    yield "gmp", "masked", "default", 2


class WithBranch(nn.Module):
    """A network in which some passes do not use a layer."""

    def __init__(self):
        super().__init__()
        self.first, self.branch, self.last = nn.Linear(12, 20), nn.Linear(20, 20), nn.Linear(20, 3)

    def forward(self, x, *, branches):
        x = torch.relu(self.first(x))
        return self.last(x + torch.relu(self.branch(x)) if branches else x)


def trained_in_branches(method, backend, shares, wrap=lambda model: model):
    """Train on shares of each batch, of which the second uses no branch, and none does at the first update."""
    torch.manual_seed(0)
    model, rule = made(method, backend, model=WithBranch())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    model = wrap(model)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=INTERVAL)
    links = [{name: layer.cells().tolist() for name, layer in topology.layers.items()}]
    for step, (x, y) in enumerate(batches(), 1):
        optimizer.zero_grad()
        for share in shares:
            logits = model(x.chunk(2)[share], branches=share == 0 and step != INTERVAL)
            (nn.functional.cross_entropy(logits, y.chunk(2)[share]) / len(shares)).backward()
        optimizer.step()
        if topology.step() is not None:
            links.append({name: layer.cells().tolist() for name, layer in topology.layers.items()})
    return links


def bytes_of_a_step(method, backend, model=None, early=False):
    """Return the bytes of buffers that a wrapper sends per step, without a scheduler and with one."""
    model, rule = made(method, backend, model=model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    if early:
        tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=INTERVAL)
    wrapper = CountingWrapper(model)
    x = torch.randn(8, 12, dtype=torch.float64)
    sent = []
    for _ in range(2):
        wrapper.sent = 0
        wrapper(x).sum().backward()
        sent.append(wrapper.sent)
        if not early:
            tl.TopologyScheduler(wrapper, optimizer, rule, total_steps=STEPS, interval=INTERVAL)
    return sent


def different(index, *, wraps_first):
    """Give ranks models with different seeds; return the error, or the hashes of their links."""
    model, rule = made("static", seed=index)
    try:
        if wraps_first:
            model = DistributedDataParallel(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=INTERVAL)
    except TopolearnError as error:
        return str(error)
    return {name: each.dense_weight() for name, each in tl.sparse.sparse_layers(model).items()}


def rank(index, store, folder):
    """Run all cases as one of two ranks, and write the results to a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=index, world_size=2)
    results = {}
    for method, backend, option, accumulate in cases():
        case = (method, backend, option, accumulate)
        results[case] = trained(method, backend, 2, index, partial(wrapped, option=option), accumulate)
    for method in ("rigl", "topkast"):
        results["early", method] = trained(method, "masked", 2, index, DistributedDataParallel, early=True)
    for method, backend in (("set", "masked"), ("set", "csr"), ("topkast", "masked")):
        results["bytes", method, backend] = bytes_of_a_step(method, backend)
    results["bytes of norm"] = bytes_of_a_step("set", "masked", WithNorm())
    results["bytes early"] = [bytes_of_a_step(method, "masked", early=True)[0] for method in ("set", "topkast")]
    unused = partial(DistributedDataParallel, find_unused_parameters=True)
    for method, backend in BRANCHING:
        results["branches", method, backend] = trained_in_branches(method, backend, [index], unused)
    results["different"] = [different(index, wraps_first=first) for first in (False, True)]
    torch.save(results, f"{folder}/{index}.pt")
    dist.destroy_process_group()
