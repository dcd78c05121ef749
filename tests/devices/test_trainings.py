"""Whole trainings on a device leave the same files as on the CPU, even if they stop and continue elsewhere."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import topolearn as tl
from tests.devices.placed import differing
from topolearn.cli import main
from topolearn.errors import InvalidValueError
from topolearn.evolution import METHODS
from topolearn.evolution.step.update import EVENTS
from topolearn.recording import Recorder
from topolearn.recording.run import BEST, LAST
from topolearn.recording.writing.topology_log import TopologyLog
from topolearn.training import Dataset, resume, trainer

TABLES = ("metrics.csv", "layers.csv", "network.csv", "measures.csv")
OTHER_SEEDS = ("chts", "topkast")  # other methods have more seeds in the plain loop, or in slow tests


@pytest.fixture(scope="module")
def toy():
    """Return data with six steps per epoch."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(60, 12, generator=generator)
    y = x[:, :3].argmax(1)
    return Dataset("toy", x[:48], y[:48], x[48:], y[48:])


@pytest.fixture
def file(toy, tmp_path):
    path = tmp_path / "toy.npz"
    np.savez(path, **{name: getattr(toy, name).numpy() for name in ("train_x", "train_y", "test_x", "test_y")})
    return path


@pytest.fixture
def train(small, toy, tmp_path):
    """Return a function that trains a small network on a device."""

    def trained(name, device, **values):
        values = {"hidden": (16, 16), "batch_size": 8, "epochs": 2, "update_interval": 2, **values}
        values |= {} if METHODS[values.get("method", "chts")].is_dense else {"backend": "masked", "density": 0.2}
        return tl.train(small(tmp_path / name, device=str(device), **values), data=toy, quiet=True)

    return trained


def left_by(run):
    """Return everything that a run left behind, except its device, its path and how long it took."""
    left = {}
    for name in TABLES:
        if (run.path / name).exists():
            table = pd.read_csv(run.path / name, dtype=str, keep_default_na=False)
            left[name] = table.drop(columns="seconds", errors="ignore").to_dict("list")
    for which in (LAST, BEST):
        tensors = load_file(run.path / "checkpoints" / f"{which}.safetensors")
        left |= {f"{which} {name}": each for name, each in tensors.items()}
    for update in run.history:
        left |= {f"{update.step} {name} {e}": layer.cells[e] for name, layer in update.items() for e in EVENTS}
    left["summary"] = {name: value for name, value in run.summary.items() if name != "seconds"}
    left["config"] = {name: value for name, value in run.config.to_dict().items() if name not in ("run_dir", "device")}
    left["environment"] = {name: value for name, value in run.environment.items() if name not in ("device", "accepted")}
    return left


@pytest.mark.parametrize("method", METHODS)
def test_the_command_trains_as_on_the_cpu(method, file, tmp_path, pretend, capsys):
    words = ["train", "--dataset", str(file), "--method", method, "--hidden", "16", "16", "--epochs", "2"]
    words += ["--batch-size", "8", "--threads", "1", "--quiet"]
    words += [] if METHODS[method].is_dense else ["--density", "0.2", "--backend", "masked"]
    words += ["--set", "interval=2"] if METHODS[method].interval else ["--update-interval", "2"]
    for device in ("cpu", "pretend"):
        assert main([*words, "--device", device, "--run-dir", str(tmp_path / device)]) == 0, capsys.readouterr().err
    one, other = (tl.Run(tmp_path / device) for device in ("cpu", "pretend"))
    assert differing(left_by(one), left_by(other)) == []
    assert other.config.device == "pretend"
    assert other.environment["device"] == "pretend:0"
    assert (other.summary["n_updates"] > 2) == METHODS[method].evolves
    models = [run.load_model(which) for which in (LAST, BEST) for run in (one, other)]
    assert {each.device.type for model in models for each in model.parameters()} == {"cpu"}
    assert differing(models[0].state_dict(), models[1].state_dict()) == []
    assert differing(models[2].state_dict(), models[3].state_dict()) == []


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=() if name in OTHER_SEEDS else pytest.mark.slow) for name in METHODS]
)
def test_a_training_of_another_seed_is_that_of_the_cpu(method, seed, train, pretend):
    one, other = (train(str(device), device, method=method, seed=seed) for device in ("cpu", pretend))
    assert differing(left_by(one), left_by(other)) == []


@pytest.mark.parametrize("values", [{"momentum": 0.0}, {"backend": "auto"}], ids=str)
def test_other_settings_train_on_a_device(values, train, pretend):
    run = train("run", pretend, **values)
    assert run.is_complete
    assert run.config.backend == "masked"
    assert run.load_model("last").hidden1.weight.dtype == torch.float32


def test_the_record_of_a_custom_loop_is_that_of_the_cpu(tmp_path, pretend):
    def recorded(device):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(12, 20), torch.nn.ReLU(), torch.nn.Linear(20, 3))
        method = tl.method("chts", density=0.3)
        model = tl.sparsify(model, method, exclude=[], backend="masked").to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        topology = tl.TopologyScheduler(model, optimizer, method, total_steps=8, interval=2)
        folder, generator = tmp_path / str(device), torch.Generator().manual_seed(0)
        with tl.record(folder, topology, measures=("closure",), config={"device": torch.device(str(device))}) as record:
            for _ in range(8):
                loss = model(torch.randn(8, 12, generator=generator).to(device)).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                topology.step()
                record.log(loss=loss)
        run = tl.Run(folder)
        tables = {name: (folder / name).read_text() for name in TABLES}
        events = {
            f"{u.step} {name} {e}": layer.cells[e] for u in run.history for name, layer in u.items() for e in EVENTS
        }
        return tables | events

    one, other = recorded("cpu"), recorded(pretend.device)
    assert len(one) > 4 + 3 * len(EVENTS)
    assert differing(one, other) == []


# --- stopped and resumed elsewhere -----------------------------------------------------------------------------------


class Stopped(BaseException):
    pass


@pytest.fixture
def stop():
    """Return a context in which a training stops at a given call of a function."""

    def at(owner, name, call):
        function, calls, patch = getattr(owner, name), [0], pytest.MonkeyPatch()

        def counted(*args, **words):
            calls[0] += 1
            if calls[0] == call:
                patch.undo()
                raise Stopped
            return function(*args, **words)

        patch.setattr(owner, name, counted)
        return pytest.raises(Stopped)

    return at


WAYS = [("pretend", "cpu"), ("cpu", "pretend"), ("pretend", "pretend")]


@pytest.mark.parametrize(
    ("method", "way"),
    [*(("chts", way) for way in WAYS), ("topkast", WAYS[0]), ("srigl", WAYS[1]), ("deepr", WAYS[0]), ("gmp", WAYS[1])],
)
def test_a_run_continues_elsewhere_bit_for_bit(method, way, train, stop, toy, tmp_path, pretend):
    whole = train("whole", "cpu", method=method, epochs=3)
    first, then = way
    with stop(TopologyLog, "record", 5):
        train("stopped", first, method=method, epochs=3)
    assert not tl.Run(tmp_path / "stopped").is_complete
    torch.manual_seed(7)  # the random state of this process does not matter
    with pretend.counted() as trips:
        run = resume(tmp_path / "stopped", data=toy, device=then, quiet=True)
    assert (trips.total() > 0) == (then == "pretend")
    assert differing(left_by(whole), left_by(run)) == []
    assert run.config.device == first  # the files name the device on which it began


def test_a_run_goes_to_the_cpu_and_back(train, stop, toy, tmp_path, pretend):
    whole = train("whole", "cpu", epochs=3)
    with stop(Recorder, "log", 2):
        train("stopped", pretend, epochs=3)
    with stop(trainer, "save_checkpoint", 3):
        tl.resume(tmp_path / "stopped", data=toy, device="cpu", quiet=True)
    run = tl.resume(tmp_path / "stopped", data=toy, quiet=True)
    assert differing(left_by(whole), left_by(run)) == []


SCRIPT = """
import os, signal, sys
from tests.devices.pretend import pretend_device
from topolearn.cli import main
from topolearn.recording import report
from topolearn.recording.writing.topology_log import TopologyLog
pretend_device()
report.write_report = lambda run, **_: ''
record = TopologyLog.record
def killed(self, *args):
    record(self, *args)
    if len(self.history.steps) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
if "--resume" not in sys.argv:
    TopologyLog.record = killed
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_killed_process_is_resumed_by_the_command(file, tmp_path, pretend):
    def words(name, device):
        options = {"dataset": file, "device": device, "run-dir": tmp_path / name, "batch-size": 8, "epochs": 3}
        options |= {"update-interval": 2, "density": 0.2, "backend": "masked", "threads": 1}
        return ["train", "--quiet", "--hidden", "16", "16", *(f"--{key}={value}" for key, value in options.items())]

    there = [sys.executable, "-c", SCRIPT]
    killed = subprocess.run([*there, *words("killed", "pretend")], check=False, stderr=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    run = tl.Run(tmp_path / "killed")
    assert not run.is_complete
    assert 0 < len(run.metrics) < 3
    assert main(["train", "--resume", str(run.path), "--quiet"]) == 0
    assert main(words("whole", "cpu")) == 0
    assert differing(left_by(run), left_by(tl.Run(tmp_path / "whole"))) == []


def test_the_command_resumes_on_another_device(train, stop, file, tmp_path, pretend, capsys):
    with stop(TopologyLog, "record", 5):
        train("stopped", pretend, dataset=str(file))
    config = tmp_path / "stopped" / "config.toml"
    config.write_text(config.read_text().replace('dataset = "toy"', f'dataset = "{file}"'))
    assert main(["train", "--resume", str(config.parent), "--device", "cpu", "--epochs", "3"]) == 2
    assert "--resume takes no options other than --device" in capsys.readouterr().err
    assert main(["train", "--resume", str(config.parent), "--device", "cuda:99"]) == 2
    assert "--device cuda:99, but torch sees" in capsys.readouterr().err
    assert main(["train", "--resume", str(config.parent), "--device", "cpu", "--accept-changes", "--quiet"]) == 0
    run, whole = tl.Run(config.parent), train("whole", "cpu")
    skipped = {"config"}  # it names the data by its file
    one, other = ({name: each for name, each in left_by(each).items() if name not in skipped} for each in (run, whole))
    assert differing(one, other) == []


def test_a_run_of_a_missing_device_can_be_read_and_continues_on_the_cpu(train, stop, toy, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    whole = train("whole", "cpu")
    with stop(TopologyLog, "record", 5):
        train("stopped", "cpu")
    config = tmp_path / "stopped" / "config.toml"
    config.write_text(config.read_text().replace('device = "cpu"', 'device = "cuda"'))
    run = tl.Run(tmp_path / "stopped")
    assert run.config.device == "cuda"
    with pytest.raises(
        InvalidValueError, match=r"device='cuda', but torch sees no CUDA device here .*: use one of cpu"
    ):
        resume(run.path, data=toy, quiet=True)
    for device in ("cpu", "auto"):
        resumed = resume(run.path, data=toy, device=device, accept_changes=True, quiet=True)  # the file was edited
        assert differing(left_by(whole), left_by(resumed)) == []
