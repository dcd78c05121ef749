"""The processor's name tells processors apart, although a virtual machine may report no more than their brand."""

from pathlib import Path

import pytest
import torch

from topolearn import devices
from topolearn.training import TrainConfig
from topolearn.training.build import settle
from topolearn.training.data import load_dataset


def _core(number: int, **lines: str) -> str:
    return "".join(f"{key}\t: {value}\n" for key, value in {"processor": number, **lines}.items())


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ({"model name": "AMD EPYC", "cpu family": "23", "model": "1"}, "AMD EPYC, family 23, model 1"),
        ({"model name": "Intel(R) Xeon(R) CPU @ 2.20GHz", "cpu family": "6", "model": "85"}, None),
        ({"model name": "AMD EPYC"}, "AMD EPYC"),
    ],
)
def test_a_name_without_a_number_is_followed_by_family_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: dict[str, str], name: str | None
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("\n".join(_core(number, **lines) for number in range(2)))
    monkeypatch.setattr(devices, "CPUINFO", file)
    assert devices.processor() == (name or lines["model name"])


def test_there_is_a_name_where_the_system_lists_no_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "CPUINFO", tmp_path / "missing")
    assert devices.processor()


@pytest.mark.parametrize(
    ("vectors", "precision", "device", "warns"),
    [
        ("AVX2", "bf16", "cpu", True),
        ("AVX2", "bf16-true", "cpu", True),
        ("AVX2", "float32", "cpu", False),
        ("AVX2", "bf16", "cuda", False),
        ("AVX512", "bf16", "cpu", False),
        ("SVE256", "bf16", "cpu", False),
    ],
)
def test_only_a_processor_that_converts_bf16_number_by_number_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, vectors: str, precision: str, device: str,
    warns: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: vectors)
    devices.warn_of_slow_bf16(precision, device)
    messages = [str(warning.message) for warning in recwarn]
    assert [f"precision='{precision}'" in message for message in messages] == [True] * warns


def test_a_training_in_bf16_warns_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    with pytest.warns(UserWarning, match="ten times as long in bf16"):
        settle(TrainConfig(precision="bf16", device="cpu"), load_dataset("digits"))
