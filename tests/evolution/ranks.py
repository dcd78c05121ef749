"""What each of two ranks does in the tests of distributed training, and what one process does alone."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import topolearn as tl
from tests.evolution.loops import setup
from topolearn.errors import InvalidValueError

CASES = [
    ("set", "masked"), ("set", "csr"), ("rigl", "masked"), ("rigl", "csr"), ("srigl", "masked"), ("mest", "masked"),
    ("chts", "csr"), ("granet", "masked"), ("gmp", "masked"), ("topkast", "masked"), ("chtss", "masked"),
]  # fmt: skip


def trained(method, backend, parts, mine, wrap=lambda model: model):
    """Train on some of the parts of each batch; return the links after each update, and the weights at the end."""
    model, trainer, _ = setup(method, backend=backend, dtype=torch.float64)
    model = wrap(model)
    rule = tl.method(method, density=0.2)
    topology = tl.TopologyScheduler(model, trainer, rule, total_steps=12, interval=2)
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


def rank(index, store, folder):
    """Run all cases as one of two ranks, with half of each batch; leave the results in a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=index, world_size=2)
    results = {}
    for method, backend in CASES:
        results[method, backend] = trained(method, backend, 2, [index], DistributedDataParallel)
    try:
        trained("chtss", "csr", 2, [index], DistributedDataParallel)
    except InvalidValueError as error:
        results["refused"] = str(error)
    torch.save(results, f"{folder}/{index}.pt")
    dist.destroy_process_group()
