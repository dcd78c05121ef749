"""Lightning's callback class, and checks that a trainer supports an evolving topology."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer

from topolearn.errors import InvalidValueError, MissingPackageError
from topolearn.evolution import Method, TopologyScheduler
from topolearn.evolution.per_link.optimizer_state import unwrapped
from topolearn.sparse import SparseLinear, sparse_layers

AVERAGING = ("WeightAveraging", "StochasticWeightAveraging")
SHARDING = ("FSDPStrategy", "DeepSpeedStrategy", "ModelParallelStrategy")


def as_callback(kind: type) -> type:
    """Return a subclass of both this class and Lightning's callback class.

    Raises
    ------
    MissingPackageError
        When lightning is not installed.
    """
    try:
        from lightning.pytorch import Callback
    except ImportError as error:
        raise MissingPackageError(f"{error}: pip install 'topolearn[lightning]'") from None
    return kind if issubclass(kind, Callback) else type(kind.__name__, (kind, Callback), {"__doc__": kind.__doc__})


def check_trainer(trainer: Any, module: Any, method: Method, n_steps: int | None = None) -> None:
    """Raise for a trainer that averages or shards weights, or a module that is not sparse or of unknown length.

    Parameters
    ----------
    trainer, module
    method : Method
    n_steps : int, optional
        The length of the training, if it is known.

    Raises
    ------
    InvalidValueError
    """
    for callback in trainer.callbacks:
        if _is_one_of(callback, AVERAGING):
            raise InvalidValueError(
                f"the callback {type(callback).__name__} averages weights over moving links, which gives unions of "
                "links: omit it, and update tl.AveragedModel(module) in on_train_batch_end of a callback"
            )
    if _is_one_of(trainer.strategy, SHARDING):
        raise InvalidValueError(
            f"{type(trainer.strategy).__name__} shards weights, which evolving links do not support: use strategy='ddp'"
        )
    if not method.is_dense and not sparse_layers(module):
        raise InvalidValueError(
            f"the module has no sparse layer for method {method.name!r}: call tl.sparsify(model, method) before "
            "trainer.fit, and before configure_optimizers"
        )
    if n_steps is None and not module.automatic_optimization:
        raise InvalidValueError(
            "the module optimizes manually, so its number of optimizer steps is unknown, but schedules need it: give "
            "TopologyCallback(total_steps=...), the steps of the optimizer that trains the sparse layers"
        )


def optimizer_of(trainer: Any, layers: Mapping[str, SparseLinear]) -> Optimizer:
    """Return the optimizer that trains the sparse layers.

    Raises
    ------
    InvalidValueError
        When there is none, or several do.
    """
    links = {id(layer.link_parameter) for layer in layers.values()}
    optimizers = [unwrapped(each) for each in trainer.optimizers]
    training = [
        each for each in optimizers if links & {id(p) for group in each.param_groups for p in group["params"]}
    ] or optimizers  # a dense model has no links
    if len(training) != 1:
        raise InvalidValueError(
            f"{len(training)} optimizers train the sparse layers: let configure_optimizers return one that has all of "
            "them; further optimizers may train other parameters"
        )
    return training[0]


def total_steps(trainer: Any) -> int:
    """Return the number of optimizer steps in the whole training, which schedules depend on.

    Raises
    ------
    InvalidValueError
        When training has no end.
    """
    steps = trainer.estimated_stepping_batches
    if not 0 < steps < math.inf:
        raise InvalidValueError(
            f"the training has {steps} optimizer steps according to the trainer, but schedules need a finite number: "
            "give Trainer(max_steps=...)"
        )
    return int(steps)


def warn_of_other_length(topology: TopologyScheduler) -> None:
    """Warn if a training took another number of steps than its schedules were scaled to; a few do not matter."""
    n_steps, total = topology.n_steps, topology.total_steps
    if abs(n_steps - total) >= topology.interval:
        warnings.warn(
            f"the training took {n_steps} optimizer steps, but the schedules of the topology were scaled to {total}: "
            f"give TopologyCallback(total_steps={n_steps})",
            stacklevel=3,
        )


def _is_one_of(value: object, names: tuple[str, ...]) -> bool:
    return any(kind.__name__ in names for kind in type(value).__mro__)
