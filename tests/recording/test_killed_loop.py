"""A recorded loop killed at any moment: the run can always be opened, and continues as if never killed."""

import random
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

import topolearn as tl
from tests.recording.any_loop import STEPS, Loop, files
from tests.recording.recorded_loop import OPTIONS, main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The files of a run that was not killed."""
    path, loop = tmp_path_factory.mktemp("whole") / "run", Loop()
    with tl.record(path, loop.topology, **OPTIONS) as recorder:
        loop.run(recorder)
    return files(path)


def killed(folder, after):
    """Start the loop, kill it some seconds after it has begun, and return the last step that it reported."""
    (folder / "begun").unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.recording.recorded_loop", str(folder), "0.01"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (folder / "begun").exists() and process.poll() is None:
        time.sleep(0.002)
    time.sleep(after)
    process.kill()
    told, errors = process.communicate()
    assert process.returncode in (0, -9), errors
    return [int(line) for line in told.split()]


def check_opens(path, told):
    """Read everything in a killed run, and check that earlier logs are still there."""
    run = tl.Run(path)
    rows = run.metrics["step"].tolist()
    assert rows == list(range(1, len(rows) + 1))
    assert len(rows) >= max(told, default=0)
    updates = run.history.updates
    graphs = dict(run.history.replay())
    assert list(graphs) == run.history.steps == [0, *updates["step"].unique()]
    assert max(run.history.steps) >= max(told, default=0) // 4 * 4 or max(told) == STEPS
    layers = run.layers[run.layers["index"] > 0]
    assert set(layers["index"]) <= set(updates["index"])  # an update is in the history first
    if not run.measures.empty:
        assert set(run.measures["step"]) <= set(graphs)
    assert run.summary["n_links"] == sum(graph.n_links for graph in graphs[0].values())
    repr(run)


def continued(tmp_path, moments):
    for after in moments:
        check_opens(tmp_path / "run", killed(tmp_path, after))
    main(tmp_path, 0)
    return files(tmp_path / "run")


def test_a_killed_loop_opens_and_goes_on(whole, tmp_path):
    assert continued(tmp_path, [0.2]) == whole


@pytest.mark.slow
def test_twenty_kills_at_random_moments(whole, tmp_path):
    draw = random.Random(time.time_ns())
    n_kills = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "the topology is at step 0")  # killed before the first checkpoint
        for i in range(5):
            folder = tmp_path / str(i)
            folder.mkdir()
            moments = [draw.uniform(0, 0.35) for _ in range(4)]
            print("killed after", [round(moment, 3) for moment in moments])
            assert continued(folder, moments) == whole
            n_kills += len(moments)
    assert n_kills == 20
