"""`Run`: the directory that a training leaves behind, read back."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.training.build import load_model
from topolearn.training.config import TrainConfig
from topolearn.training.history import History
from topolearn.training.measuring import MEASURED
from topolearn.training.recorder import LAYERS, METRICS
from topolearn.training.tables import read_table

CONFIG = "config.toml"
SUMMARY = "summary.json"
ENVIRONMENT = "environment.json"
CHECKPOINTS = "checkpoints"


class Run:
    """A run directory: configuration, tables, topology history and checkpoints.

    Parameters
    ----------
    path : path
        The directory.

    Raises
    ------
    MissingFileError
        When there is no run in that directory.

    Examples
    --------
    ``run = tl.Run("runs/name")``, then ``run.metrics``, ``run.layers``, ``run.history.at(0)["hidden1"]``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / CONFIG).is_file():
            raise MissingFileError(f"there is no run in {self.path}: a run is a directory with a {CONFIG}")

    @property
    def name(self) -> str:
        """Name of the directory."""
        return self.path.resolve().name

    @cached_property
    def config(self) -> TrainConfig:
        """The configuration, with every value settled."""
        return TrainConfig.load(self.path / CONFIG)

    @property
    def metrics(self) -> pd.DataFrame:
        """A row for each epoch: loss, accuracy, links, active neurons, overlap, seconds."""
        return self._table(METRICS)

    @property
    def layers(self) -> pd.DataFrame:
        """A row for each epoch (0 is before training) and layer: links, events, overlap, ITOP, degrees."""
        return self._table(LAYERS)

    @property
    def measures(self) -> pd.DataFrame:
        """Measures of the topology, a row for each time (0 is before training) and layer; "(network)" is all of it."""
        return read_table(self.path / MEASURED, key="index")

    @property
    def history(self) -> History:
        """The links of each layer at every update."""
        return History(self.path / "topology")

    @property
    def summary(self) -> dict[str, Any]:
        """Best and last accuracy, links, active neurons, updates, seconds, and whether the run is complete."""
        return self._json(SUMMARY)

    @property
    def is_complete(self) -> bool:
        """Whether all epochs are done."""
        return (self.path / SUMMARY).is_file() and bool(self.summary["complete"])

    @property
    def environment(self) -> dict[str, str]:
        """Versions, device and threads of the training."""
        return self._json(ENVIRONMENT)

    def load_model(self, which: str = "best") -> nn.Module:
        """Return the trained model, with its sparse layers, on the CPU.

        Parameters
        ----------
        which : {"best", "last"}
            The epoch with the best test accuracy, or the last one.

        Raises
        ------
        InvalidValueError, MissingFileError, CorruptFileError, CheckpointError
            For another word, or when there is no such checkpoint yet, or it is unusable.
        """
        if which not in ("best", "last"):
            raise InvalidValueError(f"which={which!r} must be 'best' or 'last'")
        return load_model(self.path / CHECKPOINTS / f"{which}.safetensors", self.config.hidden or ())

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.config.method} on {self.config.dataset}, {len(self.metrics)} epochs)"

    def _table(self, name: str) -> pd.DataFrame:
        return read_table(self.path / name)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise MissingFileError(
                f"{self.path / name} is missing: let the run finish an epoch, or resume it"
            ) from None
        except json.JSONDecodeError as error:
            raise CorruptFileError(f"{self.path / name} is not JSON: {error}") from None
