"""The callback by which an `Attachment` hears of a Hugging Face trainer's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from topolearn.integrations.huggingface_attachment import Attachment


def callback_of(attachment: Attachment) -> Any:
    """Return a ``TrainerCallback``, whose class exists only where transformers is installed."""
    from transformers import TrainerCallback

    class TopologyCallback(TrainerCallback):
        """Tells an attachment of the trainer's events."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.begin(kwargs["model"], kwargs["optimizer"], state.max_steps)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.log_update(control)

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.note(kwargs["logs"])

        def on_push_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.save_topology()  # the trainer copies the weights alone to the folder that it uploads

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.end(complete=True)

    return TopologyCallback()
