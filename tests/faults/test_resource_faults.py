"""Commands on a machine that lacks a resource still work, or end with one line, and lose nothing."""

import os
import shutil
import subprocess
import sys
import time

import pytest

import topolearn as tl
from tests.faults.commands import TRAIN, assert_one_line, command, limited, run, start
from tests.recording.earlier import without_manifest
from tests.training.test_kill_and_resume import assert_same_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MB = 2**20
GENERATE = ["generate", "er", "--n-in", "16", "--n-out", "16", "--density", "0.5"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a run with all resources."""
    path = tmp_path_factory.mktemp("whole") / "run"
    assert run(command(*TRAIN, "--run-dir", path)).returncode == 0
    return tl.Run(path)


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that mounts a small file system and unmounts it afterwards."""
    mounted = []

    def mount(size, *options):
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("no file system can be mounted here")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)


def is_resumed(path, whole):
    done = run(command("train", "--resume", path, "--quiet"))
    assert done.returncode == 0, done.stderr
    assert_same_run(tl.Run(path), whole)


# --- what is lacking, and the command works all the same -------------------------------------------------------------

WORKS = {
    "no HOME": {"without": ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR")},
    "a HOME that is not there": {"env": {"HOME": "/nonexistent"}, "without": ("XDG_CACHE_HOME", "MPLCONFIGDIR")},
    "no cache for compiled code": {
        "env": {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}, "without": ("NUMBA_CACHE_DIR",)
    },
    "no cache for fonts": {"env": {"MPLCONFIGDIR": "/proc/nowhere"}},
    "64 descriptors": {"prepare": limited(NOFILE=64)},
    "LANG=C": {"env": {"LANG": "C", "LC_ALL": "C"}},
    "an ASCII output": {"env": {"PYTHONIOENCODING": "ascii"}},
    "standard output closed": {"shell": '"$@" >&-'},
    "standard error closed": {"shell": '"$@" 2>&-'},
    "standard input closed": {"shell": '"$@" <&-'},
    "all streams closed": {"shell": '"$@" <&- >&- 2>&-'},
    "an error output that is full": {"shell": '"$@" 2>/dev/full'},
    "no folder for temporary files": {"env": {"TMPDIR": "/nonexistent"}},
    "a terminal of no size": {"env": {"COLUMNS": "0", "LINES": "0", "TERM": "dumb"}},
    "without assertions": {"options": ["-O"]},
    "without docstrings": {"options": ["-OO"]},
}  # fmt: skip


@pytest.mark.parametrize("lacking", WORKS)
def test_a_training_works_anyway(lacking, tmp_path, whole):
    given = dict(WORKS[lacking])
    words = command(*TRAIN, "--run-dir", tmp_path / "run", options=given.pop("options", ()))
    done = run(words, **given)
    assert_one_line(done)
    assert done.returncode == 0, done.stderr
    assert_same_run(tl.Run(tmp_path / "run"), whole)


@pytest.mark.parametrize(
    "name", ["with blanks", 'it\'s "quoted"', "Größe-図", "two\nlines", "-dash", "$(x) `y` ;&|", "a" * 200]
)
@pytest.mark.parametrize("env", [{}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}], ids=["usual", "C"])
def test_a_path_may_have_any_name(name, env, tmp_path, whole):
    done = run(command(*TRAIN, f"--run-dir={tmp_path / name}"), env=env)
    assert_one_line(done)
    assert done.returncode == 0, done.stderr
    assert_same_run(tl.Run(tmp_path / name), whole)
    for words in (["report", tmp_path / name], ["diagnose", tmp_path / name, "--json"]):
        done = run(command(*words), env=env)
        assert_one_line(done)
        assert done.returncode == 0, done.stderr


def test_a_name_that_is_not_text_is_rejected_or_works(tmp_path):
    done = run([*command(*TRAIN, "--run-dir"), os.fsencode(tmp_path) + b"/\xff"])
    assert_one_line(done)


# --- what ends in one line -------------------------------------------------------------------------------------------

ENDS = {
    "memory, as it is loaded": (TRAIN, {"prepare": limited(AS=300 * MB)}),
    "memory, of a training": ([*TRAIN, "--hidden", "60000", "60000", "--backend", "masked"],
                              {"prepare": limited(AS=6000 * MB)}),
    "memory, of a graph": ([*GENERATE[:2], "--n-in", "9999999", "--n-out", "9999999", "--density", ".5", "-o", "x.npz"],
                           {"prepare": limited(AS=6000 * MB)}),
    "a file that may not grow": (TRAIN, {"prepare": limited(FSIZE=3_000)}),
    "a place that is not there": ([*GENERATE, "-o", "nowhere/x.npz"], {}),
    "a device without room": ([*GENERATE, "-o", "/dev/full"], {}),
    "an output without room": (["methods"], {"shell": '"$@" >/dev/full'}),
    "a folder in the way": ([*GENERATE, "-o", "folder"], {}),
    "a run directory below a file": ([*TRAIN, "--run-dir", "file/run"], {}),
}  # fmt: skip


@pytest.mark.parametrize("lacking", ENDS)
def test_a_command_ends_in_one_line(lacking, tmp_path):
    words, given = ENDS[lacking]
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    done = run(command(*words), cwd=tmp_path, **given)
    assert_one_line(done, "topolearn: error: ")
    assert done.returncode == 2


@pytest.mark.parametrize("words", [["methods"], ["datasets"], ["train", "--help"]])
def test_an_output_that_nothing_reads_is_not_an_error(words):
    done = run(command(*words), shell='"$@" | true')
    assert_one_line(done)
    assert done.stderr == ""
    assert done.returncode in (0, 141)


@pytest.mark.parametrize("size", ["8k", "16k", "28k"])
def test_a_full_disk_ends_a_training_which_can_be_resumed_elsewhere(size, tmp_path, small_disk, whole):
    disk = small_disk(size)
    done = run(command(*TRAIN, "--run-dir", disk / "run"))
    assert_one_line(done, "is full" if size != "8k" else "topolearn: error: ")
    assert done.returncode == 2
    if (disk / "run" / "config.toml").is_file():
        shutil.copytree(disk / "run", tmp_path / "run")
        assert not [path.name for path in (tmp_path / "run").rglob(".*") if path.name != ".lock"]
        is_resumed(tmp_path / "run", whole)


@pytest.mark.parametrize("resumes", [False, True])
def test_a_read_only_place_is_reported(resumes, small_disk, whole):
    disk = small_disk("10m")
    shutil.copytree(whole.path, disk / "run")
    (disk / "run" / "summary.json").unlink()  # as if it had been stopped
    without_manifest(disk / "run")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    words = ["--resume", disk / "run", "--quiet"] if resumes else [*TRAIN[1:], "--run-dir", disk / "new"]
    done = run(command("train", *words))
    assert_one_line(done, "topolearn: error: ", "Read-only")
    assert done.returncode == 2


def test_a_run_directory_that_is_removed_ends_its_training_in_one_line(tmp_path):
    words = command(*TRAIN, "--epochs", "500", "--run-dir", tmp_path / "run")
    process = start(words)
    while not (tmp_path / "run" / "metrics.csv").exists():
        assert process.poll() is None
        time.sleep(0.01)
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 2, said
    assert said.startswith("topolearn: error: ")
    assert said.count("\n") == 1


def test_a_network_without_a_path_is_resumed(tmp_path):
    """Few links, which often join no input with an output: measures have no value, or are infinite."""
    code = """import sys; from topolearn.recording import Recorder; from topolearn.cli import main
log, calls = Recorder.log, []
def stopping(self, *args, **words):
    calls.append(1)
    if len(calls) == 2: raise KeyboardInterrupt
    return log(self, *args, **words)
Recorder.log = stopping
sys.exit(main(sys.argv[1:]))"""
    words = [*TRAIN, "--density", "0.002", "--measure-every", "1", "--run-dir", str(tmp_path / "run")]
    assert run([sys.executable, "-c", code, *words]).returncode == 130
    assert run(command(*words[:-1], tmp_path / "whole")).returncode == 0
    is_resumed(tmp_path / "run", tl.Run(tmp_path / "whole"))
    assert run(command("report", tmp_path / "run")).returncode == 0


def test_a_study_works_with_64_descriptors(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(
        'name = "s"\nseeds = [0, 1]\n[base]\nhidden = [16]\nepochs = 1\ndensity = 0.2\n'
        '[[setting]]\nlabel = "SET"\nmethod = "set"\n'
    )
    words = command("sweep", study, "--dir", tmp_path / "out", "--jobs", "2", "--quiet")
    done = run(words, prepare=limited(NOFILE=64))
    assert_one_line(done)
    assert done.returncode == 0, done.stderr
