"""The program of each of two ranks in the recording test: train on half of each batch, and record."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import topolearn as tl
from tests.recording.any_loop import STEPS, Loop


def rank(index, store, folder):
    """Train as one of two ranks, each with its own recorder."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=index, world_size=2)
    loop = Loop()
    model = DistributedDataParallel(loop.model)
    topology = tl.TopologyScheduler(model, loop.optimizer, loop.method, total_steps=STEPS, interval=4)
    with tl.record(f"{folder}/run", topology, measures=("closure",)) as recorder:
        for _ in range(STEPS):
            x, y = loop.x.chunk(2)[index], loop.y.chunk(2)[index]
            loss = nn.functional.cross_entropy(model(x), y)
            loop.optimizer.zero_grad()
            loss.backward()
            loop.optimizer.step()
            topology.step()
            recorder.log(loss=loss.item())
    torch.save({name: layer.cells() for name, layer in topology.layers.items()}, f"{folder}/{index}.pt")
    dist.barrier()
    dist.destroy_process_group()
