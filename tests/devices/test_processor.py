"""The processor's name tells processors apart, although a virtual machine may report no more than their brand."""

from pathlib import Path

import pytest

from topolearn import devices


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
