"""A minimal second task: the configuration of classification under another name."""

from dataclasses import dataclass
from typing import ClassVar

from topolearn.training import TrainConfig


@dataclass(frozen=True, kw_only=True)
class TwinConfig(TrainConfig):
    """The configuration of the task "twin"."""

    task: ClassVar[str] = "twin"
