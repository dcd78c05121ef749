"""The callback that notifies an `Attachment` of a Hugging Face trainer's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from topolearn.integrations.huggingface.attachment import Attachment


def callback_of(attachment: Attachment) -> Any:
    """Return a ``TrainerCallback``; its class is defined here, as it needs transformers."""
    from transformers import TrainerCallback

    class TopologyCallback(TrainerCallback):
        """Notifies an attachment of the trainer's events."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.begin(kwargs["model"], kwargs["optimizer"], state.max_steps)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.log_update(control)

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.note(kwargs["logs"])

        def on_push_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.save_topology()  # the trainer only copies weights to the folder that it uploads

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            attachment.end(complete=True)

    return TopologyCallback()
