"""Other programs interrupted at any time: trainings of other tasks, compiled calls, decoding, custom loops."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import topolearn as tl
from tests.faults.commands import command, limited, run, start
from tests.faults.seeds import drawing
from tests.faults.test_signals import ENDS, STATUS, left_behind
from tests.tasks.language import small as language
from tests.tasks.same_run import table
from tests.tasks.translation import small as translation
from topolearn.recording.plan import is_run
from topolearn.verification import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
N_TIMES = 4
HERE = {"PYTHONPATH": str(Path(__file__).parents[2])}
LENGTH = {"steps": 60, "evaluate_every": 10}


def words_of(task, folder):
    """Write the files of a small training of a task, and return the command that starts it, without a run directory."""
    if task == "translation":
        translation.write_corpus(folder)
        config = translation.config(folder / "run", dataset=str(folder), **LENGTH)
    else:
        language.write_corpus(folder)
        config = language.config(folder, "run", **LENGTH)
    config.save(folder / "config.toml")
    return ["train", folder / "config.toml", "--quiet"]


def told_after(process, seconds, number):
    """Interrupt a process after some time, and return its standard error and how long it took to end."""
    try:
        return process.communicate(timeout=seconds)[1], 0.0
    except subprocess.TimeoutExpired:
        begun = time.monotonic()
        process.send_signal(number)
        return process.communicate(timeout=300)[1], time.monotonic() - begun


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize("task", ["translation", "language"])
def test_a_training_of_another_task_may_be_interrupted_at_any_time(task, number, tmp_path):
    pytest.importorskip("transformers")
    draw, begun = drawing(f"{task} {number}"), time.monotonic()
    words = words_of(task, tmp_path)
    assert run(command(*words, "--run-dir", tmp_path / "whole")).returncode == 0
    seconds, whole = time.monotonic() - begun, tl.Run(tmp_path / "whole")
    for i in range(N_TIMES):
        path = tmp_path / f"run{i}"
        process = start(command(*words, "--run-dir", path))
        said, _ = told_after(process, draw.uniform(0.4 * seconds, seconds), number)
        assert process.returncode in (0, *ENDS[number]), said
        assert "Traceback" not in said, said
        assert left_behind(path) == []
        begins_again = ["--resume", path, "--quiet"] if is_run(path) else [*words[1:], "--run-dir", path]
        if not is_run(path) or not tl.Run(path).is_complete:
            done = run(command("train", *begins_again))
            assert done.returncode == 0, done.stderr
        for name in ("metrics.csv", "layers.csv", "network.csv"):
            assert table(path / name).equals(table(whole.path / name))
        assert tl.Run(path).history.steps == whole.history.steps


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """Return a folder with a layer whose scores and paths take a while to compute."""
    folder = tmp_path_factory.mktemp("layers")
    tl.generators.make("er", 20_000, 20_000, 0.0025, seed=0).save(folder / "large.npz")
    tl.generators.make("er", 3_000, 3_000, 0.03, seed=0).save(folder / "middle.npz")
    return folder


COMPILED = {
    "scores": ["score", "large.npz", "--method", "ch3_l3p", "--top", "5"],
    "an evaluation": ["score", "middle.npz", "--method", "ch2_l3n", "--evaluate"],  # by products of matrices
    "measures": ["diagnose", "large.npz", "--null-models", "10"],
    "a generator": ["generate", "bsw", "--n-in", "30000", "--n-out", "30000", "--density", "0.03", "-o", "new.npz"],
    "a benchmark": ["bench", "train", "--threads", "1"],
}


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize("what", COMPILED)
def test_compiled_calls_end_within_seconds(what, number, layers):
    draw = drawing(f"{what} {number}")
    for _ in range(N_TIMES):
        process = subprocess.Popen(
            [str(each) for each in command(*COMPILED[what])], cwd=layers, text=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=os.environ | HERE, preexec_fn=limited(),  # noqa: PLW1509
        )  # fmt: skip
        said, seconds = told_after(process, draw.uniform(0.1, 15), number)
        if process.returncode != 0:
            assert process.returncode in ENDS[number], said
            assert said.endswith(f"topolearn: {'interrupted' if number == signal.SIGINT else 'terminated'}\n"), said
        assert "Traceback" not in said, said
        assert seconds < 10
    assert [each.name for each in layers.iterdir() if each.name not in ("large.npz", "middle.npz", "new.npz")] == []


LOOP = """
import sys, torch, topolearn as tl
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
if __name__ == "__main__":
    torch.manual_seed(0)
    method = tl.method("set", density=0.2)
    model = tl.sparsify(nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)), method, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    topology = tl.TopologyScheduler(model, optimizer, method, total_steps=10**6, interval=4)
    data = TensorDataset(torch.randn(512, 16), torch.randint(4, (512,)))
    loader = DataLoader(data, batch_size=8, num_workers=2, persistent_workers=True)
    with tl.record(sys.argv[1], topology, measures=["none"]) as recorder:
        while True:
            for x, y in loader:
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad(); loss.backward(); optimizer.step(); topology.step()
                recorder.log(loss=loss.item())
"""


@pytest.mark.parametrize("number", [*STATUS, signal.SIGKILL])
def test_a_loop_with_workers_leaves_no_process_and_a_readable_run(number, tmp_path):
    psutil = pytest.importorskip("psutil")
    (tmp_path / "loop.py").write_text(LOOP)
    process = start([sys.executable, str(tmp_path / "loop.py"), str(tmp_path / "run")])
    metrics = tmp_path / "run" / "metrics.csv"
    while not metrics.is_file() or len(metrics.read_text().splitlines()) < 50:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    os.killpg(process.pid, number) if number == signal.SIGINT else os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert psutil.wait_procs(children, timeout=60)[1] == []
    recorded = tl.Run(tmp_path / "run")
    assert len(recorded.metrics) >= 49
    assert recorded.history.steps == sorted(set(recorded.history.steps))
    assert all(graphs for _, graphs in recorded.history.replay())
    if number == signal.SIGINT:  # which Python turns into an exception, so that the recording is closed
        assert set(verify(tmp_path / "run")["state"]) <= {"whole", "unchecked"}


def test_decoding_is_interrupted(tmp_path):
    pytest.importorskip("transformers")
    words = words_of("translation", tmp_path)
    assert run(command(*words, "--run-dir", tmp_path / "run")).returncode == 0
    many = "".join(f"{sentence}\n" for sentence in translation.text(20_000, 3).source)
    (tmp_path / "many.en").write_text(many)
    for number in STATUS:
        with (tmp_path / "many.en").open() as given, (tmp_path / "said").open("w") as complaints:
            process = subprocess.Popen(
                command("translate", tmp_path / "run"), stdin=given, stdout=subprocess.DEVNULL, stderr=complaints,
                env=os.environ | HERE, preexec_fn=limited(),  # noqa: PLW1509
            )  # fmt: skip
            time.sleep(12)
            process.send_signal(number)
            assert process.wait(60) in ENDS[number]
        assert "Traceback" not in (tmp_path / "said").read_text()
