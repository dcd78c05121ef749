"""Topology in training loops with accelerate: `register`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from topolearn.errors import CheckpointError, InvalidTypeError, InvalidValueError, MissingPackageError
from topolearn.evolution import TopologyScheduler
from topolearn.integrations.checkpoints.topology_file import read_topology, save_topology
from topolearn.sparse import sparse_layers

__all__ = ["Registration", "read_topology", "register"]

SHARDING = ("FSDP", "DEEPSPEED", "MEGATRON_LM")


def register(accelerator: Any, topology: TopologyScheduler) -> Registration:
    """Let ``accelerator.save_state`` and ``load_state`` save and load a topology along with model and optimizer.

    Saved folders also contain ``topology.safetensors``, in which nothing is pickled. It is loaded before weights and
    optimizer, which must fit its links, so that training can resume after any optimizer step as if it had never
    stopped. Create the scheduler with the model and optimizer returned by ``accelerator.prepare``, and let
    ``tl.attach`` count the steps, as accelerate skips optimizer steps while it accumulates gradients.

    For averages of weights (EMA, SWA), use ``tl.AveragedModel(accelerator.unwrap_model(model))``, which follows
    links as they move; ``accelerator.register_for_checkpointing(average)`` saves it.

    Parameters
    ----------
    accelerator : accelerate.Accelerator
    topology : TopologyScheduler
        It must evolve all sparse layers of the models prepared by the accelerator.

    Returns
    -------
    Registration
        Call its ``remove()`` to undo the registration.

    Raises
    ------
    MissingPackageError
        When accelerate is not installed.
    InvalidTypeError, InvalidValueError
        When `accelerator` is not an Accelerator or shards its models (FSDP, DeepSpeed, Megatron), or `topology` is not
        a TopologyScheduler.

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
            f"the accelerator shards its models ({kind}), which cannot be saved along with links: use several "
            "processes with DistributedDataParallel, or save topology.state_dict() yourself"
        )
    return Registration(accelerator, topology)


class Registration:
    """The hooks that save and load a topology; returned by `register`."""

    def __init__(self, accelerator: Any, topology: TopologyScheduler) -> None:
        self._accelerator, self._topology = accelerator, topology
        self._handles: list[RemovableHandle] = [
            accelerator.register_save_state_pre_hook(self._save),
            accelerator.register_load_state_pre_hook(self._load),
        ]

    def remove(self) -> None:
        """Stop saving and loading the topology."""
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
                f"{folder} was saved with method {about.get('method')!r}, and the TopologyScheduler has {name!r}: "
                "create it with the same method, as links and schedule continue from the checkpoint"
            )
        self._topology.load_state_dict(state)

    def _check_models(self, models: list[nn.Module]) -> None:
        """Raise unless models and topology have the same sparse layers: the others would not be saved."""
        theirs = {id(layer): name for model in models for name, layer in sparse_layers(model).items()}
        ours = {id(layer): name for name, layer in self._topology.layers.items()}
        differing = sorted({**theirs, **ours}[layer] for layer in theirs.keys() ^ ours.keys())
        if differing:
            raise InvalidValueError(
                f"the layers {', '.join(map(repr, differing))} are not both in the models prepared by the accelerator "
                "and in the registered topology: register one scheduler for all sparse layers, after "
                "accelerator.prepare(model, optimizer)"
            )
