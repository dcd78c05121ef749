"""The code that each of several ranks runs in the tests of sharded training, and its single-process reference."""

from itertools import pairwise

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import topolearn as tl
from tests.processes import run_ranks
from topolearn.sparse.weights.local_tensors import local_of

SIZES = (12, 37, 41, 3)  # rows that neither two nor three ranks share equally
STEPS, INTERVAL, BATCH = 12, 2, 18

# What is trained, trained with clipping, and saved: always, and in the slow tests.
OFTEN = {"trained": ("set", "rigl", "chtss", "topkast"), "clipped": ("topkast",), "saved": ("chtss",)}
RARELY = {
    "trained": ("chts", "granet", "gmp", "mest", "cht"),
    "clipped": ("rigl", "gmp"),
    "saved": ("rigl", "gmp", "topkast"),
}
HALF = 5  # an update is due at the next step, and no gradient is recorded yet


def sparse_model(method, *, seed=0, dtype=torch.float64, sizes=SIZES, **overrides):
    """A small MLP made sparse with a method, and the method."""
    torch.manual_seed(0)
    layers = [nn.Linear(*pair) for pair in pairwise(sizes)]
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]).to(dtype)
    start = {"generator": "er"} if method == "cht" else {}  # whose layers start from data
    rule = tl.method(method, density=0.2, **start | overrides)
    return tl.sparsify(model, rule, seed=seed, backend="masked"), rule


def fully_sharded(model, world, **options):
    """Shard each layer, then the rest, then the links."""
    mesh = init_device_mesh("cpu", (world,))
    fully_shard(model[0], mesh=mesh, **options)
    fully_shard(model[2], mesh=mesh, **options)
    fully_shard(model, mesh=mesh, **options)
    return tl.distributed.shard_topology(model, mesh)


def optimizer_of(model):
    """AdamW in two param groups, of weights and of biases."""
    weights = [p for p in model.parameters() if p.dim() > 1]
    biases = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": weights, "weight_decay": 0.01}, {"params": biases, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.01)


def batches(dtype=torch.float64):
    """The batches of all steps."""
    torch.manual_seed(1)
    return torch.randn(STEPS, BATCH, SIZES[0], dtype=dtype), torch.randint(0, SIZES[-1], (STEPS, BATCH))


def run(model, optimizer, topology, mine, world, steps=range(STEPS), after=None, clip=None):
    """Train on a share of each batch; return the links after each update."""
    x, y = batches()
    links = []
    for step in steps:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[step].chunk(world)[mine]), y[step].chunk(world)[mine]).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        update = topology.step()
        if update is not None:
            links.append({name: layer.cells().tolist() for name, layer in topology.layers.items()})
        if after is not None:
            after(step)
    return links


def whole(tensor):
    """A tensor of all rows, on every rank."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def state(model):
    return {key: whole(tensor).clone() for key, tensor in model.state_dict().items()}


def scheduler(model, optimizer, rule, **options):
    return tl.TopologyScheduler(model, optimizer, rule, total_steps=STEPS, interval=INTERVAL, **options)


def trained(method, mine=0, world=1, wrap=lambda model: model, overrides=None, **options):
    """Train a model; return links after each update, the final state, and what happened at updates."""
    model, rule = sparse_model(method, **(overrides or {}))
    wrapped = wrap(model)
    optimizer = optimizer_of(wrapped)
    topology = scheduler(wrapped, optimizer, rule)
    events = []
    topology.register_update_hook(lambda _, update: events.append(update.to_frame().to_dict("list")))
    links = run(wrapped, optimizer, topology, mine, world, **options)
    explored = topology.itop_rate()
    return links, state(model), events, explored


def of_rank(index, world, store, folder, job):
    """Run a job as one of several ranks, and write its result to a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=index, world_size=world)
    try:
        torch.save(job(index, world), f"{folder}/{index}.pt")
    finally:
        dist.destroy_process_group()


def on_ranks(world, folder, job):
    """Return what a job, a function of a module, returns on each rank."""
    run_ranks(world, of_rank, world, folder / f"store{world}", folder, job)
    return [torch.load(folder / f"{i}.pt", weights_only=False) for i in range(world)]


def n_off_links(layers, optimizer):
    """Number of non-zero values off the trained cells in a rank's rows: weights, gradients and moments."""
    n_off = 0
    for layer in layers.values():
        weight = layer.link_parameter
        tensors = [weight.detach(), weight.grad, *(each for each in optimizer.state[weight].values() if each.dim())]
        n_off += sum(int(local_of(each)[~layer.trained_mask].count_nonzero()) for each in tensors if each is not None)
    return n_off


def save(folder, model, optimizer, topology):
    of_model, of_optimizer = get_state_dict(model, optimizer)
    state = {"model": of_model, "optimizer": of_optimizer, "topology": topology.state_dict()}
    dcp.save(state, checkpoint_id=folder)


def load(folder, model, optimizer, topology):
    of_model, of_optimizer = get_state_dict(model, optimizer)
    state = {"model": of_model, "optimizer": of_optimizer, "topology": topology.state_dict()}
    dcp.load(state, checkpoint_id=folder)
    set_state_dict(model, optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"])
    topology.load_state_dict(state["topology"])


def prepared(method, world, wrap=fully_sharded):
    model, rule = sparse_model(method)
    model = wrap(model, world)
    optimizer = optimizer_of(model)
    return model, optimizer, scheduler(model, optimizer, rule)


def checked(method, index, world, clip=0.1):
    """Train with clipping, and check for values off the links after each step."""
    model, optimizer, topology = prepared(method, world)
    off = []
    links = run(
        model, optimizer, topology, index, world, clip=clip,
        after=lambda step: off.append(n_off_links(topology.layers, optimizer)),
    )  # fmt: skip
    return links, state(model), off


def saved(method, index, world, folder):
    """Train the first half, save, and train on; return the links of the second half and the state at the end."""
    model, optimizer, topology = prepared(method, world)
    run(model, optimizer, topology, index, world, steps=range(HALF))
    save(f"{folder}/{method}", model, optimizer, topology)
    return run(model, optimizer, topology, index, world, steps=range(HALF, STEPS)), state(model)


def resumed(method, index, world, folder):
    """Train the second half from the checkpoint of other ranks."""
    model, optimizer, topology = prepared(method, world)
    load(f"{folder}/{method}", model, optimizer, topology)
    links = run(model, optimizer, topology, index, world, steps=range(HALF, STEPS))
    return links, state(model), topology.itop_rate()


def recorded(index, world, folder):
    """Record a run; return the last network of its history, and that of the model."""
    model, optimizer, topology = prepared("chts", world)
    with tl.record(f"{folder}/run", topology):
        run(model, optimizer, topology, index, world)
    return {name: graph.edges().tolist() for name, graph in topology.network().graphs.items()}


def several_ways(index, world, folder, cases):
    """Run everything for one, two or three ranks."""
    if world == 1:
        return {"resumed": {m: resumed(m, index, world, folder) for m in cases["saved"]}}
    results = {
        "fsdp": {m: trained(m, index, world, lambda model: fully_sharded(model, world)) for m in cases["trained"]},
        "clipped": {m: checked(m, index, world) for m in cases["clipped"]},
    }
    if world == 2:
        results["ddp"] = {m: trained(m, index, world, DistributedDataParallel) for m in cases["trained"]}
        results["saved"] = {m: saved(m, index, world, folder) for m in cases["saved"]}
        results["recorded"] = recorded(index, world, folder)
    else:
        results["resumed"] = {m: resumed(m, index, world, folder) for m in cases["saved"]}
    return results


def resumed_alone(method, folder):
    """Train the second half in one process, from one file converted from the checkpoint of several ranks."""
    file = f"{folder}/{method}.pt"
    dcp_to_torch_save(f"{folder}/{method}", file)
    saved = torch.load(file, weights_only=False)
    model, rule = sparse_model(method)
    optimizer = optimizer_of(model)
    topology = scheduler(model, optimizer, rule)
    set_state_dict(model, optimizer, model_state_dict=saved["model"], optim_state_dict=saved["optimizer"])
    topology.load_state_dict(saved["topology"])
    links = run(model, optimizer, topology, 0, 1, steps=range(HALF, STEPS))
    return links, state(model), model
