"""CHTs on bundled digits with weights sharded over ranks (FSDP2), saved, resumed, and exported to one folder.

Run it with ``torchrun --nproc-per-node 2 -m analysis.examples.fsdp_digits --folder runs/fsdp``; run it again with
``--resume``, on any number of processes, to continue from the last saved epoch.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard

import topolearn as tl
from topolearn.integrations.distributed_checkpoint import to_folder
from topolearn.training import load_dataset, mlp

METHOD, INTERVAL, BATCH = tl.method("chts", density=0.1), 20, 32


def main() -> None:
    """Train, save after each epoch, and let one rank export the last state to a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/fsdp"), help="where states are saved [%(default)s]")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--stop", type=int, help="number of epochs after which to pause")
    parser.add_argument("--resume", action="store_true", help="continue from the last state in the folder")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dist.init_process_group("nccl" if device == "cuda" else "gloo")
    last = _train(args, init_device_mesh(device, (dist.get_world_size(),)))
    if dist.get_rank() == 0:
        to_folder(last, args.folder / "plain", _network(), METHOD)
        print(f"weights of the plain architecture and links in {args.folder / 'plain'}")
    dist.destroy_process_group()


def _network() -> nn.Module:
    """Return the sparse network, the same on all ranks."""
    torch.manual_seed(0)
    return tl.sparsify(mlp(64, (128, 128), 10), METHOD, backend="masked")


def _train(args: argparse.Namespace, mesh: DeviceMesh) -> Path:
    """Train, and return the path of the last state."""
    data, device, n_ranks = load_dataset("digits"), mesh.device_type, mesh.size()
    x, y, test_x = (each.to(device) for each in (data.train_x.float() / 16, data.train_y, data.test_x.float() / 16))
    model = _network().to(device)
    fully_shard(model, mesh=mesh)
    tl.distributed.shard_topology(model, mesh)  # after fully_shard, before the optimizer
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    per_epoch = len(x) // BATCH
    topology = tl.TopologyScheduler(model, optimizer, METHOD, total_steps=args.epochs * per_epoch, interval=INTERVAL)
    if args.resume:
        _load(_last(args.folder), model, optimizer, topology)
    for epoch in range(topology.n_steps // per_epoch, args.stop or args.epochs):
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch)).to(device)
        for batch in order[: per_epoch * BATCH].split(BATCH):
            mine = batch.tensor_split(n_ranks)[mesh.get_local_rank()]
            loss = nn.functional.cross_entropy(model(x[mine]), y[mine], reduction="sum")
            (loss * n_ranks / BATCH).backward()  # its mean over ranks is the mean over the batch, however it is split
            optimizer.step()
            topology.step()
            optimizer.zero_grad()
        dcp.save(_state(model, optimizer, topology), checkpoint_id=args.folder / f"epoch-{epoch + 1}")
    with torch.no_grad():
        outputs = model(test_x).argmax(1).cpu()
    if dist.get_rank() == 0:
        accuracy = (outputs == data.test_y).float().mean()
        print(f"accuracy {accuracy:.1%}, {topology.network().n_links} links, {topology.n_updates} updates")
    return _last(args.folder)


def _last(folder: Path) -> Path:
    return max(folder.glob("epoch-*"), key=lambda path: int(path.name.partition("-")[2]))


def _state(model: nn.Module, optimizer: torch.optim.Optimizer, topology: tl.TopologyScheduler) -> dict[str, Any]:
    of_model, of_optimizer = get_state_dict(model, optimizer)
    return {"model": of_model, "optimizer": of_optimizer, "topology": topology.state_dict()}


def _load(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, topology: tl.TopologyScheduler) -> None:
    state = _state(model, optimizer, topology)
    dcp.load(state, checkpoint_id=folder)
    set_state_dict(model, optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"])
    topology.load_state_dict(state["topology"])


if __name__ == "__main__":
    main()
