"""What tests of several rooms need."""

import sys

import pytest
import torch

from topolearn.training import trainer
from topolearn.training.data import DATASETS


@pytest.fixture
def n_threads():
    """Set the number of threads of torch, and put the former back afterwards."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def digits_as_mnist(monkeypatch):
    """Let the small digits stand for MNIST, whose files are not on every machine."""
    monkeypatch.setitem(DATASETS._parts, "mnist", DATASETS["digits"])


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Return a function that calls a program with options, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(main, *options):
        monkeypatch.setattr(sys, "argv", ["program", *map(str, options)])
        main()

    return call


@pytest.fixture
def n_trained(monkeypatch):
    """Count the trainings."""
    trainings = []
    run = trainer.Trainer.run

    def counted(self, **options):
        trainings.append(self.config)
        return run(self, **options)

    monkeypatch.setattr(trainer.Trainer, "run", counted)
    return trainings
