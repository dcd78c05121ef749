"""`topolearn doctor`: the information it prints, and its exit status if a check fails."""

from importlib.metadata import PackageNotFoundError

import pytest

import topolearn.version
from topolearn import self_check
from topolearn.cli import doctor, main
from topolearn.self_check import SelfCheckError


def test_no_check_only_prints_information(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    monkeypatch.setattr(doctor, "_check", lambda: pytest.fail("it checks"))
    assert main(["doctor", "--no-check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "versions", "optional", "machine", "kernels", "data",
    ]  # fmt: skip
    text = "\n".join(lines)
    for words in ("topolearn 0", "torch 2", "threads", "mnist: in data", "topolearn download fashion_mnist"):
        assert words in text


def test_a_failed_check_is_reported_and_the_others_still_run(capsys, monkeypatch):
    done = []

    def fails():
        raise SelfCheckError("one and one are three")

    def breaks():
        raise ZeroDivisionError("division by zero")

    checks = [fails, breaks, *[lambda: done.append(1)] * 3]
    monkeypatch.setattr(self_check, "SELF_CHECKS", dict(zip("abcde", checks, strict=True)))
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "FAILED: one and one are three" in text
    assert "FAILED: ZeroDivisionError: division by zero" in text
    assert "2 of 5 checks failed: please report this output" in text
    assert len(done) == 3


def test_missing_packages_of_extras_are_listed(monkeypatch, capsys):
    monkeypatch.setattr(
        doctor, "requires", lambda _: ["torch>=2", "nothing-like-it>=1; extra == 'eval'", "pytest>=8; extra == 'dev'"]
    )
    assert main(["doctor", "--no-check"]) == 0
    assert "eval: missing nothing-like-it; pip install 'topolearn[eval]'" in capsys.readouterr().out


def test_kernels_that_cannot_be_cached_are_reported(monkeypatch, capsys):
    from topolearn.graph import kernels

    monkeypatch.setattr(kernels.places_among, "_cache", object())
    assert main(["doctor", "--no-check"]) == 0
    assert "set NUMBA_CACHE_DIR to one" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["--version"], ["doctor", "--no-check"]])
def test_a_checkout_that_is_not_installed(command, monkeypatch, capsys):
    def missing(name):
        if name == "topolearn":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(topolearn.version, "version", missing)
    monkeypatch.setattr(doctor, "requires", missing)
    try:
        main(command)
    except SystemExit as end:  # how argparse prints a version
        assert end.code == 0
    assert "topolearn a checkout that is not installed" in capsys.readouterr().out
