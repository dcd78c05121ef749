"""The extras of pyproject.toml are the documented ones, and constraints.txt pins all their requirements."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "constraints.txt")}
PROJECT = tomllib.loads(TEXTS["pyproject.toml"])["project"]
EXTRAS = PROJECT["optional-dependencies"]
LINES = [line for line in TEXTS["constraints.txt"].splitlines() if line and line[0] not in "#-"]
PINS = [Requirement(line) for line in LINES]
WANTED = [("project", Requirement(text)) for text in PROJECT["dependencies"]]
WANTED += [(extra, Requirement(text)) for extra, texts in EXTRAS.items() for text in texts if extra != "all"]
MACHINES = [
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
]
ENVIRONMENTS = [
    default_environment() | machine | {"python_version": version, "python_full_version": f"{version}.1"}
    for machine in MACHINES
    for version in ("3.11", "3.12", "3.13", "3.14")
]


def versions_pinned(name, environment):
    """Return the versions that constraints.txt pins a package to in one environment; pip needs exactly one."""
    return [
        specifier.version
        for pin in PINS
        if canonicalize_name(pin.name) == canonicalize_name(name)
        and (pin.marker is None or pin.marker.evaluate(environment))
        for specifier in pin.specifier
    ]


def test_the_extras_are_exactly_these():
    assert set(EXTRAS) == {
        "dev", "docs", "hf", "lightning", "accelerate", "eval", "cluster", "download", "bench", "all",
    }  # fmt: skip


def test_all_takes_every_extra_for_users():
    (text,) = EXTRAS["all"]
    requirement = Requirement(text)
    assert requirement.name == PROJECT["name"]
    assert requirement.extras == set(EXTRAS) - {"all", "dev", "docs"}
    assert not requirement.specifier


@pytest.mark.parametrize(("asked_by", "wanted"), WANTED, ids=[f"{extra}-{wanted.name}" for extra, wanted in WANTED])
def test_every_requirement_has_one_pin_within_its_range_on_each_machine(asked_by, wanted):
    assert wanted.specifier, f"{asked_by} names {wanted.name} without a lower bound"
    for environment in ENVIRONMENTS:
        versions = versions_pinned(wanted.name, environment)
        assert len(versions) == 1, (versions, environment["sys_platform"], environment["python_version"])
        assert wanted.specifier.contains(versions[0])


def test_every_line_of_the_constraints_is_one_exact_pin():
    for pin in PINS:
        assert [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)
        assert not pin.extras
        for specifier in pin.specifier:
            Version(specifier.version)  # rejects a prefix such as 2.*


def test_no_package_is_pinned_twice_in_one_environment():
    for environment in ENVIRONMENTS:
        active = [canonicalize_name(pin.name) for pin in PINS if pin.marker is None or pin.marker.evaluate(environment)]
        assert len(active) == len(set(active))


def test_torch_is_pinned_in_the_constraints_and_a_range_in_the_project():
    assert "torch==2.13.0" in TEXTS["constraints.txt"].splitlines()
    (torch,) = [wanted for asked_by, wanted in WANTED if asked_by == "project" and wanted.name == "torch"]
    assert "==" not in {specifier.operator for specifier in torch.specifier}
    assert torch.specifier.contains("2.13.0")
    assert torch.specifier.contains("2.13.1")


def test_transformers_stays_within_its_fifth_major_release():
    ranges = [wanted.specifier for _, wanted in WANTED if wanted.name == "transformers"]
    assert len(ranges) == 2, "expected one each in the extras hf and dev"
    for specifier in ranges:
        assert specifier.contains("5.24.0")
        assert not specifier.contains("4.57.0")
        assert not specifier.contains("6.0.0")


@pytest.mark.parametrize("name", TEXTS)
def test_no_line_names_a_host_or_an_address(name):
    address = re.compile(r"^\s*-|://|@|\bwww\.|\.(?:com|org|io|net)\b")  # a dash begins an option of pip
    assert [line for line in TEXTS[name].splitlines() if address.search(line)] == []


@pytest.mark.parametrize("extra", [extra for extra in EXTRAS if extra != "all"])
def test_the_documentation_names_every_extra(extra):
    assert f"`{extra}`" in (ROOT / "docs" / "how_to" / "install.md").read_text(encoding="utf-8")
