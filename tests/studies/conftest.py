"""Counting what a study trains."""

import pytest

from topolearn.training import trainer


@pytest.fixture
def n_trained(monkeypatch):
    """Count the trained epochs."""
    epochs = []
    train = trainer.Trainer._train

    def counted(self, epoch, progress):
        epochs.append((self.config.method, epoch))
        return train(self, epoch, progress)

    monkeypatch.setattr(trainer.Trainer, "_train", counted)
    return epochs
