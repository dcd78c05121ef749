"""Trains masked layers under torch's own sharding, in one process of a gloo group, and prints a line of JSON."""

import json
import os
import warnings

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

import topolearn as tl


def sparse_model():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3))
    return tl.sparsify(model, tl.method("static", density=0.2), backend="masked")


def main():
    os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}
    dist.init_process_group("gloo")
    mesh, x = init_device_mesh("cpu", (1,)), torch.randn(8, 12)
    sharded = sparse_model()
    fully_shard(sharded, mesh=mesh)
    optimizer = torch.optim.SGD(sharded.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        sharded(x).square().sum().backward()
        optimizer.step()
    weight = sharded[0].weight.full_tensor()
    n_off = int(((weight != 0) & ~sharded[0].mask).sum())
    parallel = sparse_model()
    parallelize_module(parallel, mesh, {"0": ColwiseParallel()})
    try:
        parallel(x)
        rejected = ""
    except tl.errors.InvalidValueError as error:
        rejected = str(error)
    print(json.dumps({"n_off": n_off, "n_links": sharded[0].n_links, "rejected": rejected}))
    dist.destroy_process_group()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
