"""Topology in loops that accelerate runs: `register`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from topolearn.errors import CheckpointError, InvalidTypeError, InvalidValueError, MissingPackageError
from topolearn.evolution import TopologyScheduler
from topolearn.integrations.topology_file import read_topology, save_topology
from topolearn.sparse import sparse_layers

__all__ = ["Registration", "read_topology", "register"]

SHARDING = ("FSDP", "DEEPSPEED", "MEGATRON_LM")


def register(accelerator: Any, topology: TopologyScheduler) -> Registration:
    """Let ``accelerator.save_state`` and ``load_state`` save and load a topology with model and optimizer.

    A folder then has ``topology.safetensors`` besides, in which nothing is pickled. It is loaded before weights and
    optimizer, which fit its links, so that a training goes on as if it had never stopped, after any step of the
    optimizer. Make the scheduler with the model and optimizer that ``accelerator.prepare`` returned, and let
    ``tl.attach`` count the steps, as accelerate takes none while it accumulates gradients.

    Averages of weights (EMA, SWA) are those of ``tl.AveragedModel(accelerator.unwrap_model(model))``, which follows
    links that move; ``accelerator.register_for_checkpointing(average)`` saves it.

    Parameters
    ----------
    accelerator : accelerate.Accelerator
    topology : TopologyScheduler
        It must evolve all sparse layers of the models that the accelerator has prepared.

    Returns
    -------
    Registration
        ``remove()`` undoes the call.

    Raises
    ------
    MissingPackageError
        When accelerate is not installed.
    InvalidTypeError, InvalidValueError
        When it is not an accelerator, shards its models (FSDP, DeepSpeed, Megatron), or `topology` is not a scheduler.

    Examples
    --------
    ::

        model, optimizer, loader = accelerator.prepare(tl.sparsify(model, "chts"), optimizer, loader)
        topology = tl.TopologyScheduler(model, optimizer, "chts", total_steps=10_000, interval=100)
        tl.attach(optimizer, topology)
        register(accelerator, topology)
        accelerator.load_state("checkpoint")
    """
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingPackageError(f"{error}: pip install 'topolearn[accelerate]'") from None
    if not isinstance(accelerator, Accelerator):
        raise InvalidTypeError(f"accelerator is a {type(accelerator).__name__}: give an accelerate.Accelerator")
    if not isinstance(topology, TopologyScheduler):
        raise InvalidTypeError(f"topology is a {type(topology).__name__}: give the TopologyScheduler")
    kind = accelerator.distributed_type.value
    if kind in SHARDING:
        raise InvalidValueError(
            f"the accelerator shards its models ({kind}), and saves no state that links could go with: use several "
            "processes with DistributedDataParallel, or save topology.state_dict() yourself"
        )
    return Registration(accelerator, topology)


class Registration:
    """The hooks that save and load a topology; `register` makes one."""

    def __init__(self, accelerator: Any, topology: TopologyScheduler) -> None:
        self._accelerator, self._topology = accelerator, topology
        self._handles: list[RemovableHandle] = [
            accelerator.register_save_state_pre_hook(self._save),
            accelerator.register_load_state_pre_hook(self._load),
        ]

    def remove(self) -> None:
        """Save and load the topology no longer."""
        while self._handles:
            self._handles.pop().remove()

    def _save(self, models: list[nn.Module], weights: list[Any], folder: str) -> None:
        self._check_models(models)
        accelerator = self._accelerator
        of_each_node = accelerator.project_configuration.save_on_each_node
        if accelerator.is_local_main_process if of_each_node else accelerator.is_main_process:
            save_topology(Path(folder), self._topology.state_dict(), {"method": self._topology.method.name})

    def _load(self, models: list[nn.Module], folder: str) -> None:
        self._check_models(models)
        state, about = read_topology(folder)
        name = self._topology.method.name
        if about.get("method") != name:
            raise CheckpointError(
                f"{folder} was saved with the method {about.get('method')!r}, and the TopologyScheduler has {name!r}: "
                "make it with the same method, as links and schedule go on from there"
            )
        self._topology.load_state_dict(state)

    def _check_models(self, models: list[nn.Module]) -> None:
        """Refuse models with other sparse layers, which a state would be saved without."""
        theirs = {id(layer): name for model in models for name, layer in sparse_layers(model).items()}
        ours = {id(layer): name for name, layer in self._topology.layers.items()}
        differing = sorted({**theirs, **ours}[layer] for layer in theirs.keys() ^ ours.keys())
        if differing:
            raise InvalidValueError(
                f"the layers {', '.join(map(repr, differing))} are not both in models that the accelerator has "
                "prepared and in the topology that is registered: register one scheduler for all sparse layers, after "
                "accelerator.prepare(model, optimizer)"
            )
