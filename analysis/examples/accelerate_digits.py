"""CHTss on bundled digits in a loop with accelerate, with accumulated gradients and saved states.

Run it with ``python -m analysis.examples.accelerate_digits --folder runs/accelerate``, or on several processes with
``accelerate launch``; run it again with ``--resume`` to continue from the last saved epoch. It requires
``pip install 'topolearn[accelerate]'``.
"""

import argparse
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

import topolearn as tl
from topolearn.integrations.accelerate import register
from topolearn.training import load_dataset, mlp

METHOD, DENSITY, INTERVAL, ACCUMULATED = "chtss", 0.1, 10, 2


def main() -> None:
    """Train, and print the accuracy and the number of links."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/accelerate"), help="folder for states [%(default)s]")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--stop", type=int, help="number of epochs after which to pause")
    parser.add_argument("--resume", action="store_true", help="continue from the state in the folder")
    args = parser.parse_args()
    torch.manual_seed(0)
    data = load_dataset("digits")
    loader = DataLoader(TensorDataset(data.train_x.float() / 16, data.train_y), batch_size=32, shuffle=True)
    method = tl.method(METHOD, density=DENSITY)
    network = tl.sparsify(mlp(data.n_features, (128, 128), data.n_classes), method, backend="masked")
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=ACCUMULATED)
    model, optimizer, loader = accelerator.prepare(network, torch.optim.AdamW(network.parameters(), lr=2e-3), loader)
    steps_per_epoch = -(-len(loader) // ACCUMULATED)
    topology = tl.TopologyScheduler(
        model, optimizer, method, total_steps=args.epochs * steps_per_epoch, interval=INTERVAL
    )
    tl.attach(optimizer, topology)
    register(accelerator, topology)
    average = tl.AveragedModel(accelerator.unwrap_model(model), multi_avg_fn=get_ema_multi_avg_fn(0.9))
    accelerator.register_for_checkpointing(average)
    if args.resume:
        accelerator.load_state(str(args.folder))
    for _ in range(topology.n_steps // steps_per_epoch, args.stop or args.epochs):
        for x, y in loader:
            with accelerator.accumulate(model):
                accelerator.backward(nn.functional.cross_entropy(model(x), y))
                optimizer.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                average.update_parameters(accelerator.unwrap_model(model))
        accelerator.save_state(str(args.folder))
    with torch.no_grad():
        accuracy = (average(data.test_x.float() / 16).argmax(1) == data.test_y).float().mean()
    accelerator.print(
        f"accuracy of the average {accuracy:.1%}, {topology.network().n_links} links, {topology.n_updates} updates; "
        f"state {args.folder}"
    )


if __name__ == "__main__":
    main()
