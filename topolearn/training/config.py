"""`TrainConfig`: everything that determines a training, as typed values."""

from dataclasses import dataclass
from typing import ClassVar

from topolearn.declared import documented
from topolearn.errors import InvalidValueError
from topolearn.training.options import TrainOptions
from topolearn.training.task_config import TaskConfig, check_counts, check_shares


@documented
@dataclass(frozen=True, kw_only=True)
class TrainConfig(TrainOptions, TaskConfig):
    """Configuration of a training; every field has a default and is an option of ``topolearn train``.

    Fields that are None get their values when training starts, and these values are written into the run.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When a value has the wrong type or is out of range, or a name is unknown.

    Examples
    --------
    >>> config = TrainConfig(method="chts", density=0.01, overrides={"zeta": 0.2})
    >>> config.build_method().zeta
    0.2
    """

    task: ClassVar[str] = "classification"

    def _check_ranges(self) -> None:
        check_counts(self, "epochs", "batch_size")
        check_shares(self, "lr_end", "lr_decay", "momentum", "weight_decay")
        if self.hidden is not None and not (self.hidden and all(1 <= width < 2**31 for width in self.hidden)):
            raise InvalidValueError(f"hidden={list(self.hidden)} must be one or more positive widths below 2**31")
        if not 0 < self.lr < float("inf"):
            raise InvalidValueError(f"lr={self.lr} must be a positive number")
