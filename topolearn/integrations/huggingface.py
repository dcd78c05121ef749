"""Topology in the ``Trainer`` of Hugging Face: `attach`."""

from pathlib import Path
from typing import Any

from topolearn.errors import InvalidTypeError, InvalidValueError, MissingPackageError
from topolearn.evolution import Method
from topolearn.evolution import method as find_method
from topolearn.evolution.admission import check_model
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.optimizer_state import check_optimizer, unwrapped
from topolearn.evolution.plan import settle_interval
from topolearn.integrations.huggingface_attachment import Attachment
from topolearn.integrations.huggingface_log import TrainerLog
from topolearn.integrations.topology_file import read_topology
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
    """Let a ``Trainer`` of Hugging Face evolve the topology of its model, from ``trainer.train()`` on.

    The links are the same as in a custom loop with the same seed and batches. A callback counts the steps and
    logs ``topology/density``, ``/overlap``, ``/removed`` and ``/active_neurons`` at the start and after each update by
    ``trainer.log``, and so to whatever the trainer reports to. ``train``, ``save_model`` and ``create_model_card`` of
    this trainer do what they did, and besides

    - a checkpoint's weights are those of the plain dense architecture, which ``from_pretrained`` reads, and the links
      and the state of the topology are beside them, in ``topology.safetensors``;
    - ``train(resume_from_checkpoint=...)`` goes on as if the training had never stopped, and
      ``load_best_model_at_end`` brings back the links of the best model;
    - a model card says what is sparse.

    Averages of weights (EMA, SWA) are those of ``tl.AveragedModel(model)``, updated in ``on_step_end`` of a callback.

    Parameters
    ----------
    trainer : transformers.Trainer
        Or a subclass, such as ``Seq2SeqTrainer``, whose model `topolearn.sparsify` made sparse, and which has not
        trained. An optimizer that it was given must have been made after that.
    method : Method or str
        The method that the model was made sparse with. ``dense`` takes a dense model.
    interval : int or None
        Optimizer steps between two updates; None for a method that demands its own.
    seed : int
        Fixes every draw.
    record : path, optional
        The directory of a run, which `topolearn.record` writes: topology, measures, and what the trainer logs. The
        means of the measures over all layers are logged besides.

    Returns
    -------
    Attachment
        Its ``topology`` is the `topolearn.TopologyScheduler` once training has begun; ``remove()`` undoes the call.

    Raises
    ------
    MissingPackageError
        When transformers or accelerate is not installed.
    InvalidTypeError, InvalidValueError
        When it is not a trainer, has trained, is attached to already, makes its model itself (``model_init``), or
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
    """Attach to a trainer, as `attach` does, with another log.

    Raises
    ------
    MissingPackageError, InvalidTypeError, InvalidValueError
        As `attach`.
    """
    rule = find_method(method) if isinstance(method, str) else method
    if not isinstance(rule, Method):
        raise InvalidTypeError(f"method must be a Method or the name of one, not {type(method).__name__}")
    _check_trainer(trainer)
    layers, interval = sparse_layers(trainer.model), settle_interval(interval, rule)
    check_model(layers, kind_of(rule), interval, begins=False)
    if trainer.optimizer is not None:
        check_optimizer(unwrapped(trainer.optimizer), layers)
    return Attachment(trainer, rule, interval, int(seed), log)


def _check_trainer(trainer: Any) -> None:
    """Refuse what is not a trainer, or one that could not carry the topology along."""
    try:
        from transformers import Trainer
    except ImportError as error:
        raise MissingPackageError(f"{error}: pip install 'topolearn[hf]'") from None
    if not isinstance(trainer, Trainer):
        raise InvalidTypeError(f"trainer is a {type(trainer).__name__}: give a transformers.Trainer, or a subclass")
    if isinstance(getattr(trainer.train, "__self__", None), Attachment):
        raise InvalidValueError("topolearn is attached to this trainer already: call remove() of what attach returned")
    if trainer.state.global_step:
        raise InvalidValueError(
            f"the trainer has trained {trainer.state.global_step} steps already: attach to a new Trainer, before its "
            "train()"
        )
    if trainer.model_init is not None:
        raise InvalidValueError(
            "the trainer makes another model by model_init, which checkpoints then do not fit: give it model=, made "
            "sparse by tl.sparsify"
        )
    sharded = {
        "FSDP": trainer.is_fsdp_enabled, "DeepSpeed": trainer.is_deepspeed_enabled,
        "DataParallel": trainer.args.n_gpu > 1,
    }  # fmt: skip
    for name, is_on in sharded.items():
        if is_on:
            raise InvalidValueError(
                f"the trainer shards or copies its model by {name}, which links do not follow here: start one process "
                "for each device with torchrun, which uses DistributedDataParallel"
            )
