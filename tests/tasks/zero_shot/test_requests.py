"""The requests to a model equal those of the harness, byte for byte."""

import os
from pathlib import Path

import pytest

from tests.tasks.zero_shot.glue import write_glue
from tests.tasks.zero_shot.hub import installed_task, requests
from topolearn.errors import MissingFileError
from topolearn.tasks.zero_shot import LOCAL, ZERO_SHOT
from topolearn.tasks.zero_shot.definitions import definition_file, load_task

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.slow  # the harness takes seconds to be imported

REAL = Path(os.environ.get("TOPOLEARN_DATA", "data"))


def made_and_installed(name, data_dir, folder):
    task = ZERO_SHOT[name]
    made = load_task(name, task, data_dir, folder)
    return requests(made), requests(installed_task(name, definition_file(task), data_dir / "glue"))


@pytest.mark.parametrize("name", LOCAL)
def test_requests_are_those_of_the_installed_task(name, tmp_path):
    (tmp_path / "made").mkdir()
    made, installed = made_and_installed(name, write_glue(tmp_path), tmp_path / "made")
    assert made == installed
    assert made[0]


@pytest.mark.skipif(not (REAL / "glue").is_dir(), reason="no glue in TOPOLEARN_DATA")
@pytest.mark.parametrize("name", LOCAL)
def test_requests_of_the_real_documents_are_those_of_the_installed_task(name, tmp_path):
    made, installed = made_and_installed(name, REAL, tmp_path)
    assert made == installed
    assert len(made[0]) == len(made[1]) * len(ZERO_SHOT[name].answers)


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_the_row_says_what_the_definition_says(name):
    from lm_eval.tasks._yaml_loader import load_yaml

    task = ZERO_SHOT[name]
    definition = load_yaml(definition_file(task))
    assert definition["task"] == name
    assert tuple(each["metric"] for each in definition["metric_list"]) == task.metrics
    if isinstance(definition["doc_to_choice"], list):
        assert tuple(definition["doc_to_choice"]) == task.answers
    assert (task.score == "f1") == (task.positive is not None and "f1" in task.metrics)


def test_a_task_whose_data_are_not_local_says_what_to_do(tmp_path, monkeypatch):
    import datasets

    def no_network(*args, **kwargs):
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", no_network)
    with pytest.raises(
        MissingFileError, match="mnli has no local documents, and loading them from the hub fails"
    ) as caught:
        load_task("mnli", ZERO_SHOT["mnli"], None, tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(
        MissingFileError, match=r"rte needs RTE/val.jsonl in .*glue, and loading .* fails .*: put the files"
    ):
        load_task("rte", ZERO_SHOT["rte"], tmp_path, tmp_path)
