"""`workload`: the operations of a classification training, for `topolearn.counting`."""

from dataclasses import replace

import torch

from topolearn.counting import Workload
from topolearn.training.build import settle, steps_per_epoch
from topolearn.training.config import TrainConfig
from topolearn.training.data import load_dataset
from topolearn.training.models import mlp


def workload(config: TrainConfig) -> Workload:
    """Return the MLP of a configuration on the meta device, and its training; the data set determines their sizes.

    Raises
    ------
    TopolearnError
        When the data set is not available, or the configuration cannot be trained.

    Examples
    --------
    >>> given = workload(TrainConfig(epochs=2))
    >>> given.steps, given.optimizer, len(list(given.model.parameters()))
    (90, 'sgd+momentum', 8)
    """
    data = load_dataset(config.dataset, config.data_dir)
    config = settle(replace(config, device="cpu"), data)  # the device of the training may be on another machine
    with torch.device("meta"):
        model = mlp(data.n_features, config.hidden or (), data.n_classes)
        inputs = [torch.empty(config.batch_size, data.n_features)]
    return Workload(
        model=model,
        inputs=inputs,
        method=config.build_method(),
        steps=config.epochs * steps_per_epoch(config, data),
        interval=config.update_interval,
        optimizer="sgd+momentum" if config.momentum else "sgd",
        step=f"{config.batch_size:,} examples",
        notes=("The last batch of an epoch counts as a full one.",),
    )
