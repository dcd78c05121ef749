"""A custom loop, its recorder, and an uninterrupted run."""

import pytest

import topolearn as tl
from tests.recording.any_loop import Loop


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A recorded, uninterrupted run."""
    path, loop = tmp_path_factory.mktemp("whole") / "run", Loop()
    with tl.record(path, loop.topology, measures=("closure", "hub_share"), every=2, config={"lr": 0.01}) as recorder:
        loop.run(recorder)
    return tl.Run(path), loop


@pytest.fixture
def recorder(loop, tmp_path):
    with tl.record(tmp_path / "run", loop.topology, measures=()) as recorder:
        yield recorder
