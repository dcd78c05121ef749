"""Topology in the Hugging Face ``Trainer``: `attach`."""

from pathlib import Path
from typing import Any

from topolearn.checks import check_seed
from topolearn.errors import InvalidTypeError, InvalidValueError, MissingPackageError
from topolearn.evolution import Method
from topolearn.evolution import method as find_method
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.per_link.optimizer_state import check_optimizer, unwrapped
from topolearn.evolution.plan import settle_interval
from topolearn.evolution.starting.admission import check_model
from topolearn.integrations.checkpoints.topology_file import read_topology
from topolearn.integrations.huggingface.attachment import Attachment
from topolearn.integrations.huggingface.log import TrainerLog
from topolearn.sparse import sparse_layers

__all__ = ["Attachment", "attach", "attach_log", "read_topology"]


def attach(
    trainer: Any,
    method: Method | str,
    *,
    interval: int | None,
    seed: int = 0,
    record: str | Path | None = None,
) -> Attachment:
    """Let a Hugging Face ``Trainer`` evolve the topology of its model during ``trainer.train()``.

    The links are the same as in a custom loop with the same seed and batches. A callback counts the steps. At the start
    and after each update, it logs ``topology/density``, ``/overlap``, ``/removed`` and ``/active_neurons`` with
    ``trainer.log``, which passes them on to whatever the trainer reports to. The trainer's ``train``, ``save_model``
    and ``create_model_card`` work as before, with these additions:

    - checkpoints have the weights of the dense architecture, which ``from_pretrained`` can read, along with
      ``topology.safetensors``, which has the links and the state of the topology;
    - ``train(resume_from_checkpoint=...)`` continues as if training had never stopped, and
      ``load_best_model_at_end`` restores the links of the best model;
    - model cards describe the sparse topology.

    For averages of weights (EMA, SWA), use ``tl.AveragedModel(model)``, updated in ``on_step_end`` of a callback.

    Parameters
    ----------
    trainer : transformers.Trainer
        A trainer, or an instance of a subclass such as ``Seq2SeqTrainer``, that has not trained yet, with a model that
        `topolearn.sparsify` made sparse. If it was given an optimizer, that must have been created after sparsifying.
    method : Method or str
        The method that the model was made sparse with; ``dense`` for a dense model.
    interval : int or None
        Optimizer steps between updates; None for a method that demands its own interval.
    seed : int
        Seed of all random draws.
    record : path, optional
        Directory of a run to write with `topolearn.record`: topology, measures, and what the trainer logs. The trainer
        also logs the means of the measures over all layers.

    Returns
    -------
    Attachment
        Its ``topology`` is the `topolearn.TopologyScheduler` once training has begun. Call its ``remove()`` to detach.

    Raises
    ------
    MissingPackageError
        When transformers or accelerate is not installed.
    InvalidTypeError, InvalidValueError
        When `trainer` is not a Trainer, has trained, is attached already, creates its model itself (``model_init``), or
        shards it (FSDP, DeepSpeed, ``DataParallel``); or when model, method, interval and optimizer do not fit.

    Examples
    --------
    ::

        model = tl.sparsify(LlamaForCausalLM(config), "chts", init="keep")
        trainer = Trainer(model, TrainingArguments("out", save_steps=500), train_dataset=data)
        attach(trainer, "chts", interval=100, record="out/topology")
        trainer.train()
    """
    return attach_log(trainer, method, TrainerLog(trainer, None if record is None else Path(record)), interval, seed)


def attach_log(trainer: Any, method: Method | str, log: TrainerLog, interval: int | None, seed: int) -> Attachment:
    """Attach to a trainer with a given log; otherwise like `attach`.

    Raises
    ------
    MissingPackageError, InvalidTypeError, InvalidValueError
        As for `attach`.
    """
    rule = find_method(method) if isinstance(method, str) else method
    if not isinstance(rule, Method):
        raise InvalidTypeError(f"method must be a Method or the name of one, not {type(method).__name__}")
    _check_trainer(trainer)
    layers, interval = sparse_layers(trainer.model), settle_interval(interval, rule)
    check_model(layers, kind_of(rule), interval, begins=False)
    if trainer.optimizer is not None:
        check_optimizer(unwrapped(trainer.optimizer), layers)
    return Attachment(trainer, rule, interval, check_seed(seed), log)


def _check_trainer(trainer: Any) -> None:
    """Raise unless this is a trainer that supports an evolving topology."""
    try:
        from transformers import Trainer
    except ImportError as error:
        raise MissingPackageError(f"{error}: pip install 'topolearn[hf]'") from None
    if not isinstance(trainer, Trainer):
        raise InvalidTypeError(f"trainer is a {type(trainer).__name__}: give a transformers.Trainer, or a subclass")
    if isinstance(getattr(trainer.train, "__self__", None), Attachment):
        raise InvalidValueError(
            "topolearn is attached to this trainer already: call remove() on the Attachment that attach returned"
        )
    if trainer.state.global_step:
        raise InvalidValueError(
            f"the trainer has trained {trainer.state.global_step} steps already: attach to a new Trainer, before "
            "calling train()"
        )
    if trainer.model_init is not None:
        raise InvalidValueError(
            "the trainer creates another model with model_init, which checkpoints would not fit: give it a model= "
            "from tl.sparsify instead"
        )
    sharded = {
        "FSDP": trainer.is_fsdp_enabled, "DeepSpeed": trainer.is_deepspeed_enabled,
        "DataParallel": trainer.args.n_gpu > 1,
    }  # fmt: skip
    for name, is_on in sharded.items():
        if is_on:
            raise InvalidValueError(
                f"the trainer shards or copies its model with {name}, which evolving links do not support: start "
                "one process per device with torchrun, which uses DistributedDataParallel"
            )
