"""``topolearn count`` as it is typed."""

import json

import pytest

from topolearn.cli import main
from topolearn.counting import count_config
from topolearn.errors import InvalidValueError
from topolearn.task_registry import TASKS, Task
from topolearn.training import TrainConfig

MLP = 'method = "chtss"\ndensity = 0.1\nhidden = [50, 40]\nepochs = 6\nupdate_interval = 10\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mlp.toml"
    path.write_text(MLP)
    return path


def test_the_table_names_kinds_totals_and_bytes(file, capsys):
    assert main(["count", str(file)]) == 0
    heading, steps, *lines = capsys.readouterr().out.splitlines()
    assert heading == "CHTss: density 0.5 falling to 0.1, updates every 10 steps"
    assert steps == "270 steps of 32 examples; optimizer sgd+momentum"
    rows = {line.split()[0]: line for line in lines if line}
    assert rows["hidden1"].split()[1:11] == ["50", "x", "64", "1", "3,250", "1,650", "to", "370", "1,600", "to"]
    assert rows["bytes"].split() == ["bytes", "dense", "masked", "csr", "csr", "at", "the", "end"]
    assert {"head", "total", "weights", "gradients", "optimizer", "indices"} <= rows.keys()


def test_json_has_the_exact_numbers(file, capsys):
    assert main(["count", str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    counted = count_config(TrainConfig.load(file))
    assert printed == json.loads(json.dumps(counted.to_dict()))
    assert printed["total"]["flops"] == counted.total.flops
    assert printed["links"] == {"hidden1": 1600, "hidden2": 1000}
    assert sum(n for n, _ in printed["history"]) == printed["steps"]


def test_a_dense_network(file, capsys):
    file.write_text('method = "dense"\nhidden = [50]\n')
    assert main(["count", str(file)]) == 0
    assert capsys.readouterr().out.startswith("FC: dense\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no configuration file"),
        ("density = 2", "density=2"),
        ('task = "languages"', "unknown task 'languages'"),
        ("hidden = [", "is not TOML"),
        ('dataset = "nowhere.npz"', "nowhere.npz"),
    ],
)
def test_a_mistake_is_one_line(file, capsys, text, words):
    file.unlink() if text is None else file.write_text(text)
    assert main(["count", str(file)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_task_without_a_workload_is_rejected():
    row = TASKS["classification"]
    name = "uncounted"
    TASKS.register(
        name, Task(name, row.config, row.train, row.resume, row.load_model, row.metrics, row.score, "higher")
    )

    class Config(TrainConfig):
        task = name

    try:
        with pytest.raises(
            InvalidValueError, match="task 'uncounted' defines no workload to count: add one to its registry row"
        ):
            count_config(Config())
    finally:
        TASKS.unregister(name)
