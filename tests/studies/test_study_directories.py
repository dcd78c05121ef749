"""Directories and options of a study that are rejected, and nothing in them is changed."""

import shutil

import pytest

from tests.studies.small import small_study
from topolearn.errors import CorruptFileError, InvalidValueError, UnknownNameError
from topolearn.studies import finished_runs, results, run_study
from topolearn.studies.directory import StudyDirectory
from topolearn.studies.identity import FORMAT


def content(path):
    return {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}


@pytest.mark.parametrize(
    ("record", "error", "said"),
    [
        (
            f'format = {FORMAT + 1}\nname = "small"\ntopolearn = "9.9"',
            InvalidValueError,
            r"has results in format 2 \(to",
        ),
        (f'format = {FORMAT}\nname = "large"', InvalidValueError, r"the runs of study 'large', not 'small'"),
        ("name = ", CorruptFileError, r"study\.toml is not a readable study record"),
        ('name = "small"', CorruptFileError, r"study\.toml is not a readable study record"),
    ],
)
def test_results_of_another_kind_are_rejected(record, error, said, tmp_path):
    StudyDirectory(tmp_path, small_study()).prepare()
    (tmp_path / "study.toml").write_text(record)
    before = content(tmp_path)
    for call in (run_study, results, finished_runs):
        with pytest.raises(error, match=said):
            call(small_study(), tmp_path)
    assert content(tmp_path) == before


def test_other_directories_are_rejected(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("precious")
    for path in (tmp_path / "full", tmp_path / "full" / "thesis.tex"):
        with pytest.raises(InvalidValueError, match=r"is not a results directory, as it has no study\.toml"):
            run_study(small_study(), path)
    with pytest.raises(InvalidValueError, match=r"cannot be created \(Not a directory\)"):
        run_study(small_study(), tmp_path / "full" / "thesis.tex" / "out")


@pytest.mark.parametrize(
    ("asked", "made", "said"),
    [
        ("momentum = 0.9", "momentum = 0.8", r"momentum=0\.8, not 0\.9"),
        ("epochs = 2", "epochs = 3", r"epochs=3, not 2"),
        ("density = 0.3", "density = 0.2", r"density=0\.2, not 0\.3"),
        ("    8,", "    8,\n    8,", r"hidden=\[8, 8\], not \[8\]"),
        ("zeta = 0.3", "zeta = 0.1", r"zeta=0\.1, not 0\.3"),
    ],
)
def test_a_run_of_other_values_is_rejected(asked, made, said, tmp_path):
    """For example because the configuration of a run was edited, or a default of topolearn has changed."""
    run = small_study().runs()[0]
    run_study(small_study(), tmp_path, quiet=True)
    file = tmp_path / run.id / "config.toml"
    assert asked in file.read_text()
    file.write_text(file.read_text().replace(asked, made))
    for call in (run_study, results, finished_runs):
        with pytest.raises(InvalidValueError, match=rf"was trained with {said}: remove it, or choose"):
            call(small_study(), tmp_path)
    shutil.rmtree(tmp_path / run.id)
    file.parent.mkdir()
    file.with_name(".a1b2.toml").write_text("half a conf")  # killed while this was written
    assert (run_study(small_study(), tmp_path, quiet=True)["state"] == "done").all()


def test_files_that_block_a_run_are_left_alone(tmp_path):
    StudyDirectory(tmp_path, small_study()).prepare()
    stranger = tmp_path / small_study().runs()[0].id / "thesis.tex"
    stranger.parent.mkdir()
    stranger.write_text("precious")
    table = run_study(small_study(), tmp_path, quiet=True)
    assert table["state"].tolist() == ["failed", "done"]
    assert "blocks the directory of a run, but is not a run" in table["error"][0]
    assert stranger.read_text() == "precious"


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({"jobs": 0}, InvalidValueError, r"jobs=0 must be a positive integer"),
        ({"threads": 0.5}, InvalidValueError, r"threads=0\.5 must be a positive integer"),
        ({"executor": "slurmp"}, UnknownNameError, r"unknown executor 'slurmp': did you mean 'slurm'\?"),
        (
            {"options": {"address": "x"}},
            InvalidValueError,
            r"executor 'processes' has no option 'address': it has none",
        ),
        (
            {"executor": "dask", "options": {"adress": 1}},
            InvalidValueError,
            r"has no option 'adress': did you mean 'ad",
        ),
    ],
)
def test_options_that_are_rejected(words, error, said, tmp_path):
    with pytest.raises(error, match=said):
        run_study(small_study(), tmp_path, quiet=True, **words)
