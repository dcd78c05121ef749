"""`Attachment`: wraps methods of a Hugging Face trainer to maintain the topology of its model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from topolearn.evolution import Method, TopologyScheduler
from topolearn.evolution import attach as attach_to_optimizer
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.scheduling.state import check_state
from topolearn.integrations.checkpoints.dense import dense_while_saved, read_state, state_to_save, take_links
from topolearn.integrations.checkpoints.model_card import section
from topolearn.integrations.checkpoints.topology_file import save_topology
from topolearn.integrations.huggingface.callback import callback_of
from topolearn.integrations.huggingface.log import TrainerLog
from topolearn.sparse import sparse_layers

WRAPPED = ("train", "save_model", "create_model_card")


class Attachment:
    """The connection of a topology to a trainer; returned by `topolearn.integrations.huggingface.attach`.

    Its `train`, `save_model` and `create_model_card` replace the trainer's own methods, and call them.

    Attributes
    ----------
    method : Method
    topology : TopologyScheduler or None
        The scheduler of the current training, or of the last one.
    """

    def __init__(self, trainer: Any, method: Method, interval: int, seed: int, log: TrainerLog) -> None:
        self.method = method
        self.topology: TopologyScheduler | None = None
        self._trainer, self._interval, self._seed = trainer, interval, seed
        self._log = log
        self._start: Mapping[str, Any] | None = None  # the state to begin training with, if known
        self._handles: list[RemovableHandle] = []
        self._original = {name: getattr(trainer, name) for name in WRAPPED}
        self._own = {name: vars(trainer)[name] for name in WRAPPED if name in vars(trainer)}  # not those of its class
        self._callback = callback_of(self)
        trainer.add_callback(self._callback)
        for name in WRAPPED:
            setattr(trainer, name, getattr(self, name))

    def remove(self) -> None:
        """Detach from the trainer; its model keeps its links, which no longer change."""
        self.end(complete=False)
        self._trainer.remove_callback(self._callback)
        for name in WRAPPED:
            delattr(self._trainer, name)
        vars(self._trainer).update(self._own)

    def model_card(self) -> str:
        """Return the model card's section about the topology, as Markdown."""
        n_updates = 0 if self.topology is None else self.topology.n_updates
        return section(self.method, sparse_layers(self._trainer.model), n_updates)

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """Train like the trainer; when resuming, restore the links before the weights.

        Raises
        ------
        MissingFileError, CorruptFileError, CheckpointError
            When the checkpoint has no topology, or that of another model or method; the model is not changed then.
        """
        folder = self._folder(resume_from_checkpoint)
        self._start = None if folder is None else self._restore_links(folder)
        try:
            return self._original["train"](folder, *args, **kwargs)
        except BaseException:
            self.end(complete=False)
            raise

    def save_model(self, output_dir: str | None = None, *args: Any, **kwargs: Any) -> None:
        """Save like the trainer, with the weights of the dense architecture, along with the topology."""
        self.save_topology(output_dir)
        with dense_while_saved(self._trainer.model):
            self._original["save_model"](output_dir, *args, **kwargs)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write the model card like the trainer, with a section about the topology."""
        self._original["create_model_card"](*args, **kwargs)
        if self._trainer.is_world_process_zero():
            card = Path(self._trainer.args.output_dir) / "README.md"
            card.write_text(f"{card.read_text(encoding='utf-8').rstrip()}\n\n{self.model_card()}", encoding="utf-8")

    def save_topology(self, output_dir: str | None = None) -> None:
        """Write the topology into a folder, by default the trainer's output folder."""
        if self._trainer.args.should_save:
            folder = Path(output_dir or self._trainer.args.output_dir)
            save_topology(folder, state_to_save(self.topology, self._trainer.model), {"method": self.method.name})

    def begin(self, model: nn.Module, optimizer: Any, total_steps: int) -> None:
        """Create the scheduler for training, or for another attempt with smaller batches."""
        self.end(complete=False)
        self.topology = None  # release an earlier scheduler before the new one takes the optimizer
        self.topology = TopologyScheduler(
            model, optimizer, self.method, total_steps=total_steps, interval=self._interval, seed=self._seed,
            state=self._start,
        )  # fmt: skip
        self._handles.append(attach_to_optimizer(optimizer, self.topology))
        self._log.begin(self.topology, resume=self._start is not None)
        if self._trainer.args.auto_find_batch_size and self._start is None:
            self._start = self.topology.state_dict()

    def note(self, logs: Mapping[str, Any]) -> None:
        """Handle what the trainer logs; it logs its summary last, just before it loads the best model."""
        self._log.note(logs)
        if "train_runtime" in logs and self._trainer.args.load_best_model_at_end:
            self._log.close(complete=True)
            self._handles.append(self._trainer.model.register_load_state_dict_pre_hook(self._restore_best))

    def end(self, *, complete: bool) -> None:
        """End training: the optimizer no longer calls the scheduler, and the recording is closed."""
        while self._handles:
            self._handles.pop().remove()
        self._log.close(complete=complete)

    def log_update(self, control: Any) -> None:
        """Let the trainer log the latest update, unless it has done so already."""
        assert self.topology is not None, "steps come after the beginning"
        self._log.log_update(self.topology, control)

    def _folder(self, resume: str | bool | None) -> Any:
        if resume is True:
            from transformers.trainer_utils import get_last_checkpoint

            return get_last_checkpoint(self._trainer.args.output_dir) or True  # the trainer raises for True
        return resume or None

    def _restore_links(self, folder: Any) -> Mapping[str, Any] | None:
        """Give the model the links of a checkpoint, so that its weights fit; return the state of the topology."""
        if not isinstance(folder, bool) and Path(folder).is_dir():  # otherwise the trainer raises
            state, layers = read_state(folder, self.method), sparse_layers(self._trainer.model)
            check_state(state, layers, kind_of(self.method))
            take_links(layers, state)
            return state
        return None

    def _restore_best(self, *_: Any) -> None:
        """Load the topology of the best checkpoint into model and scheduler, just before its weights are loaded."""
        assert self.topology is not None, "the best model comes after the training"
        best = self._trainer.state.best_model_checkpoint
        if best is not None:  # otherwise something else loads weights
            self.topology.load_state_dict(read_state(best, self.method))
