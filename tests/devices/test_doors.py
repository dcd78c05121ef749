"""Devices are checked where they are named: those that torch has here are accepted, others rejected before any work."""

import platform
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import topolearn as tl
from tests.devices.placed import method_named, scheduled, sparse_model
from tests.studies.small import small_study
from topolearn import devices
from topolearn.cli import main
from topolearn.errors import InvalidValueError
from topolearn.recording.environment import environment
from topolearn.studies import work
from topolearn.studies.executors import processes
from topolearn.studies.work import WorkItem
from topolearn.training import load_dataset
from topolearn.training.build import settle


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that makes torch count n CUDA devices, none of which it can use."""
    return lambda n: monkeypatch.setattr(torch.cuda, "device_count", lambda: n)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "xpu", "mps", "pretend", "pretend:0", "cuda:99"])
def test_a_configuration_names_any_device_that_torch_knows(device, tmp_path, pretend):
    """The configuration may be for a run on another machine."""
    config = tl.TrainConfig(device=device)
    config.save(tmp_path / "config.toml")
    assert tl.TrainConfig.load(tmp_path / "config.toml") == config


@pytest.mark.parametrize("device", ["gpu", "cudo", "cuda:", "cuda:-1", "cuda:x", "", "CPU"])
def test_a_device_that_torch_does_not_know_is_rejected(device, pretend):
    with pytest.raises(InvalidValueError, match=rf"device='{device}' is unknown: .*Known names: auto, cpu.*, pretend"):
        tl.TrainConfig(device=device)


def test_naming_a_device_does_not_ask_cuda_for_it(monkeypatch):
    """CUDA, once asked, can no longer be used by processes that fork from this one."""

    def asked(*_):
        raise AssertionError("CUDA was asked")

    for name in ("device_count", "is_available", "_lazy_init"):
        monkeypatch.setattr(torch.cuda, name, asked)
    assert tl.TrainConfig(device="cuda:1").device == "cuda:1"


def test_auto_is_the_cpu_even_with_another_accelerator(pretend, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert settle(tl.TrainConfig(), load_dataset("digits")).device == "cpu"


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cuda", r"device='cuda', but torch sees no CUDA device here \(.*\): use one of cpu, pretend$"),
        ("cuda:7", r"device='cuda:7', but torch sees no CUDA device here"),
        ("xpu", r"device='xpu', but torch sees no XPU device here \(.*\): use one of cpu, pretend$"),
        ("mps", r"device='mps', but torch sees no MPS device here"),
        ("hpu", r"device='hpu', but torch sees no HPU device here"),
        ("pretend:1", r"device='pretend:1', but torch sees 1 PRETEND device here: use one of cpu, pretend$"),
        ("meta", r"device='meta' cannot compute in float64, in which links are drawn .*use one of cpu, pretend$"),
    ],
)
def test_the_command_rejects_devices_that_are_not_here(device, message, pretend, tmp_path, capsys):
    if device in devices.devices_here():
        pytest.skip("there is such a device")
    assert main(["train", "--device", device, "--run-dir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"topolearn: error: --device {device}")
    with pytest.raises(InvalidValueError, match=message):
        settle(tl.TrainConfig(device=device), load_dataset("digits"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("n", "device", "message"),
    [
        (2, "cuda:7", r"device='cuda:7', but torch sees 2 CUDA devices here: use one of cpu, cuda:0, cuda:1, pretend$"),
        (1, "cuda:1", r"device='cuda:1', but torch sees 1 CUDA device here: use one of cpu, cuda, pretend$"),
    ],
)
def test_a_number_beyond_the_devices_is_rejected(n, device, message, gpus, pretend):
    gpus(n)
    with pytest.raises(InvalidValueError, match=message):
        settle(tl.TrainConfig(device=device), load_dataset("digits"))


def test_a_device_without_float64_is_rejected_with_the_reason(pretend, tmp_path):
    method = method_named("set")
    model = sparse_model(method, 0).to(pretend.device)
    reason = r"cannot compute in float64, .* \(.*doesn't support float64\): use one of cpu$"
    with pretend.without_float64():
        with pytest.raises(InvalidValueError, match=f"device='pretend' {reason}"):
            tl.train(tl.TrainConfig(device="pretend", run_dir=str(tmp_path / "run")), quiet=True)
        with pytest.raises(InvalidValueError, match=f"layer '0' is on pretend:0, which {reason}"):
            scheduled(model, method)
    assert list(tmp_path.iterdir()) == []
    scheduled(model, method)


def test_a_backend_without_products_is_rejected_before_a_run_is_made(pretend, tmp_path):
    config = tl.TrainConfig(device="pretend", backend="csr", run_dir=str(tmp_path / "run"))
    with pytest.raises(InvalidValueError, match=r"the csr backend cannot compute on pretend.*use backend='masked'"):
        tl.train(config, quiet=True)
    assert list(tmp_path.iterdir()) == []


# --- devices of runs and studies -------------------------------------------------------------------------------------


def test_a_run_records_the_device_that_computed_it(pretend):
    kinds = {"cpu": platform.machine(), pretend.device: "pretend:0", "meta": "meta"}
    for device, title in kinds.items():
        assert environment([torch.nn.Linear(2, 2, device=device)])["device"] == title
    assert environment([])["device"] == platform.machine()


def test_an_accelerator_is_named_by_its_model(pretend, monkeypatch):
    monkeypatch.setattr(torch.pretend, "get_device_name", lambda device: f"Pretence 9000 ({device})", raising=False)
    assert environment([torch.nn.Linear(2, 2, device=pretend.device)])["device"] == "Pretence 9000 (pretend:0)"


@pytest.mark.parametrize(("device", "is_placed"), [("auto", False), ("cuda", False), ("cuda:1", True)])
def test_a_worker_gets_a_device_unless_its_run_names_one(device, is_placed, tmp_path):
    """A worker with a device sees only this one, as number 0."""
    run = SimpleNamespace(config=tl.TrainConfig(device=device))
    assert processes._is_placed([WorkItem(run, tmp_path)]) == is_placed


@pytest.mark.parametrize(
    ("asked", "was", "goes_on"),
    [("auto", "cuda", "auto"), ("cuda", "cuda", "cuda"), ("auto", "cpu", None), ("auto", "pretend", None)],
)
def test_a_run_of_a_study_continues_on_its_device_or_where_this_machine_decides(
    asked, was, goes_on, tmp_path, pretend, monkeypatch
):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    options = []
    monkeypatch.setattr(work, "resume", lambda path, **given: options.append(given.get("device")))
    (planned, *_) = small_study().runs()
    planned = replace(planned, config=planned.config.with_values({"device": asked}))
    begun = SimpleNamespace(is_complete=False, config=planned.config.with_values({"device": was}))
    directory = SimpleNamespace(run_dir=lambda run: tmp_path / "run", run=lambda run: begun)
    work._train_or_resume(WorkItem(planned, directory))
    assert options == [goes_on]
