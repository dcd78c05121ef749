"""The wheel in an environment of its own: it installs, runs the main job, and names the extra that a part needs."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OPTIONAL = {
    "hf": "from topolearn.integrations import huggingface; huggingface.attach(object(), 'set', interval=1)",
    "lightning": "from topolearn.integrations import lightning; lightning.TopologyCallback('set', interval=1)",
    "accelerate": "from topolearn.integrations import accelerate; accelerate.register(None, None)",
    "download": "import sys, topolearn.cli as cli; sys.argv = ['topolearn', 'download', 'mnist']; sys.exit(cli.main())",
}


def run(*command, cwd):
    """Run a command without this environment's paths, and return what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(each) for each in command], cwd=cwd, env=clean, text=True, capture_output=True, check=False, timeout=600
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of programs of an environment that has the wheel, and nothing but what it asks for."""
    place = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", place, ROOT, cwd=place)
    assert built.returncode == 0, built.stderr
    (wheel,) = place.glob("*.whl")
    venv.create(place / "env", with_pip=True)
    programs = place / "env" / ("Scripts" if os.name == "nt" else "bin")
    pins = ROOT / "constraints.txt"
    done = run(programs / "python", "-m", "pip", "install", "--quiet", "--no-compile", "-c", pins, wheel, cwd=place)
    assert done.returncode == 0, done.stderr
    return programs


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_runs_the_main_job(installed, tmp_path):
    options = ["--method", "chts", "--density", "0.05", "--epochs", "2", "--threads", "1", "--run-dir", "runs/digits"]
    trained = run(installed / "topolearn", "train", *options, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "best test accuracy" in trained.stdout + trained.stderr
    assert run(installed / "topolearn", "report", "runs/digits", cwd=tmp_path).returncode == 0
    assert (tmp_path / "runs" / "digits" / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("extra", OPTIONAL)
def test_optional_parts_name_their_extra(extra, installed, tmp_path):
    done = run(installed / "python", "-c", OPTIONAL[extra], cwd=tmp_path)
    assert done.returncode != 0
    assert f"topolearn[{extra}]" in done.stderr, done.stderr[-500:]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_has_the_package_alone(installed):
    (wheel,) = installed.parents[1].glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"topolearn/py.typed", "topolearn_networkx.py"} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"topolearn", "topolearn_networkx.py"}
