"""CHTs on bundled digits in Lightning's ``Trainer``, with an average of the weights that follows the links.

Run it with ``python -m analysis.examples.lightning_digits --folder runs/lightning``; run it again with
``--resume runs/lightning/last.ckpt`` to continue from the end of an epoch. It requires
``pip install 'topolearn[lightning]'``.
"""

import argparse
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

import topolearn as tl
from topolearn.integrations.lightning import TopologyCallback
from topolearn.training import load_dataset, mlp

METHOD, DENSITY, INTERVAL = "chts", 0.1, 20


class Classifier(lightning.LightningModule):
    """A sparse MLP."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        """Return the loss of a batch."""
        loss = nn.functional.cross_entropy(self.network(batch[0]), batch[1])
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        """Log the accuracy on test examples."""
        self.log("accuracy", (self.network(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer of all parameters; the network is already sparse."""
        return torch.optim.AdamW(self.parameters(), lr=2e-3)


class Average(lightning.Callback):
    """An exponential average of the weights, which `tl.AveragedModel` keeps correct when links change."""

    def __init__(self, module: nn.Module) -> None:
        self.module = tl.AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(0.99))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Add the current weights to the average."""
        self.module.update_parameters(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return the average for a checkpoint."""
        return self.module.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the average from a checkpoint."""
        self.module.load_state_dict(state_dict)


def main() -> None:
    """Train, and print the accuracy and the number of links."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/lightning"), help="run and checkpoints [%(default)s]")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--resume", type=Path, help="a checkpoint to resume from")
    args = parser.parse_args()
    data = load_dataset("digits")
    train, test = (
        DataLoader(TensorDataset(x.float() / 16, y), batch_size=32, shuffle=shuffle)
        for x, y, shuffle in ((data.train_x, data.train_y, True), (data.test_x, data.test_y, False))
    )
    lightning.seed_everything(0)
    method = tl.method(METHOD, density=DENSITY)
    module = Classifier(tl.sparsify(mlp(data.n_features, (128, 128), data.n_classes), method))
    topology, average = TopologyCallback(method, interval=INTERVAL, record=args.folder / "run"), Average(module)
    last = lightning.pytorch.callbacks.ModelCheckpoint(args.folder, filename="last", enable_version_counter=False)
    callbacks: list[Any] = [topology, average, last]
    trainer = lightning.Trainer(
        max_epochs=args.epochs, callbacks=callbacks, default_root_dir=args.folder, logger=False,
        accelerator="cpu", enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, train, test, ckpt_path=args.resume)
    averaged: Any = average.module.module
    trainer.validate(averaged, test, verbose=False)
    assert topology.topology is not None
    print(
        f"accuracy of the average {trainer.callback_metrics['accuracy']:.1%}, "
        f"{topology.topology.network().n_links} links, {topology.topology.n_updates} updates; run {args.folder / 'run'}"
    )


if __name__ == "__main__":
    main()
