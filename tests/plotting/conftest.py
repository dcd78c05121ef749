"""Runs to plot: with an evolving topology, static, dense, and unfinished."""

import pytest

from tests.plotting.fake_run import fake_run

SMALL = {"fc1": (12, 8), "fc2": (12, 12)}


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return fake_run(tmp_path_factory.mktemp("chts"), shapes=SMALL, density=0.25, epochs=4, updates=5)


@pytest.fixture(scope="session")
def static(tmp_path_factory):
    return fake_run(tmp_path_factory.mktemp("static"), shapes=SMALL, method="static", epochs=3, updates=0)


@pytest.fixture(scope="session")
def dense(tmp_path_factory):
    return fake_run(tmp_path_factory.mktemp("dense"), shapes={}, method="dense", epochs=3, updates=0)


@pytest.fixture(scope="session")
def unfinished(tmp_path_factory):
    return fake_run(tmp_path_factory.mktemp("new"), shapes=SMALL, epochs=0, updates=0)
