"""A run records which layers are the model's outputs, and shows them in the layer table of its report."""

import json
import re

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.errors import UnknownNameError


def model(declared):
    made = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 6), nn.Linear(6, 3))
    made.output_layers = declared
    return made


def recorded(path, declared, exclude):
    rule = tl.method("set", density=0.5)
    sparse = tl.sparsify(model(declared), rule, exclude=exclude)
    optimizer = torch.optim.SGD(sparse.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(sparse, optimizer, rule, total_steps=9, interval=2)
    with tl.record(path, {"net": topology}) as recorder:
        for _ in range(3):
            optimizer.zero_grad()
            sparse(torch.ones(4, 8)).square().mean().backward()
            optimizer.step()
            topology.step()
            recorder.log(loss=1.0)
    return tl.Run(path)


def first_cells(run):
    page = run.report().read_text()
    table = page[page.index("<h2>The layers at the end</h2>") :]
    return re.findall(r'<th scope="row">([^<]*)</th>', table[: table.index("</table>")])


@pytest.mark.parametrize(
    ("declared", "exclude", "outputs", "cells"),
    [
        (None, None, {"net.3": (3, 6)}, ["net.0", "net.2", "net.3 (output, dense)"]),
        (None, [], {"net.3": (3, 6)}, ["net.0", "net.2", "net.3 (output)"]),
        (["2"], None, {"net.2": (6, 12)}, ["net.0", "net.3", "net.2 (output, dense)"]),
        (["2", "3"], ["3"], {"net.2": (6, 12), "net.3": (3, 6)}, ["net.0", "net.2 (output)", "net.3 (output, dense)"]),
        ([], [], {}, ["net.0", "net.2", "net.3"]),
    ],
)
def test_the_layer_table_marks_the_outputs(tmp_path, declared, exclude, outputs, cells):
    run = recorded(tmp_path / "run", declared, exclude)
    assert run.outputs == outputs
    assert first_cells(run) == cells


def test_a_run_without_recorded_outputs_opens_and_has_none(tmp_path):
    run = recorded(tmp_path / "run", None, None)
    recording = run.path / "recording.json"
    values = json.loads(recording.read_text())
    del values["outputs"]
    recording.write_text(json.dumps(values))
    old = tl.Run(run.path)
    assert old.outputs == {}
    assert first_cells(old) == ["net.0", "net.2"]


def test_a_run_of_a_task_records_its_outputs_too(example_runs):
    assert example_runs["chts"].outputs == {"head": (10, 24)}
    assert example_runs["dense"].outputs == {"head": (10, 24)}
    assert first_cells(example_runs["chts"]) == ["hidden1", "hidden2", "head (output, dense)"]


def test_wrongly_declared_outputs_are_rejected_before_anything_is_created(tmp_path):
    with pytest.raises(UnknownNameError, match="output_layers names 'head'"):
        tl.record(tmp_path / "run", model(["head"]))
    assert not (tmp_path / "run").exists()
