"""Names chosen by others are only shown as names, in tables, on the terminal and in pages."""

import ast
import csv
import html
import io
import json
import re
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import topolearn as tl
from topolearn import cli
from topolearn.cli.tables import by_graph, by_measure, in_columns
from topolearn.errors import CorruptFileError
from topolearn.recording.tables.growing import Table, read_table
from topolearn.spreadsheets import as_cell, from_cell, read_csv, write_csv
from topolearn.studies import Study, to_markdown
from topolearn.terminal import say, say_content, visible
from topolearn.training.progress import Progress

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "＝1", "=cmd|' /C calc'!A0", "'=1", "''", "'tis")
ORDERS = "fc\x1b[2J\x1b]0;title\x07\x9b31m\u202egnp\n\rline\x7f"
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(FORMULAS)


def is_formula(cell):
    return cell[:1] in tuple("=+-@\t\r\n＝＋－＠") and not re.fullmatch(
        r"[+-]?[\d.]+(e[+-]?\d+)?|[+-](inf|nan)", cell, re.I
    )


# --- spreadsheets -----------------------------------------------------------------------------------------------------


@given(NAMES)
def test_text_is_restored_from_a_cell_that_is_not_a_formula(name):
    assert from_cell(as_cell(name)) == name
    assert not is_formula(as_cell(name))
    assert as_cell(name) == name or as_cell(name) == f"'{name}"


@settings(max_examples=30, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_names_of_layers_and_metrics_are_restored_from_the_tables_of_a_run(names):
    path = Path(tempfile.mkdtemp(), "layers.csv")
    layer, column = names[0], f"{names[1]}x"
    if column in ("layerx", "stepx"):
        return
    table = Table(path)
    table.append([{"step": 0, "layer": layer, column: -0.5}])
    Table(path).append(
        [{"step": 1, "layer": layer, column: 1, "later": 2}]
    )  # as a resumed run, by which it is rewritten
    Table(path).cut(1)
    read = read_table(path)
    assert (read["layer"].tolist(), read[column].tolist()) == ([layer, layer], [-0.5, 1.0])
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode())))
    assert not any(is_formula(cell) for row in rows for cell in row)


@pytest.mark.parametrize("name", FORMULAS)
def test_tables_of_studies_hold_no_formula_and_give_labels_back(name, tmp_path):
    write_csv(
        pd.DataFrame({"label": [name, "SET"], name: [-0.5, 0.5], "error": [None, name]}), tmp_path / "results.csv"
    )
    cells = [cell for row in csv.reader(io.StringIO((tmp_path / "results.csv").read_bytes().decode())) for cell in row]
    assert not any(is_formula(cell) for cell in cells)
    again = read_csv(tmp_path / "results.csv", keep_default_na=False)
    assert again["label"].tolist() == [name, "SET"]
    assert list(again) == ["label", name, "error"]
    assert again[name].tolist() == [-0.5, 0.5]


def test_metrics_of_a_run_are_no_formulas_and_keep_their_names(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
    with tl.record(tmp_path / "run", model, measures=()) as recorder:
        recorder.log({"=HYPERLINK(1)": -1.5, "@loss": 2})
    assert "'=HYPERLINK(1)" in (tmp_path / "run" / "metrics.csv").read_text()
    assert tl.Run(tmp_path / "run").metrics[["=HYPERLINK(1)", "@loss"]].to_numpy().tolist() == [[-1.5, 2.0]]


# --- terminals --------------------------------------------------------------------------------------------------------


def is_plain(text):
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]", text)


@settings(max_examples=30, deadline=None)
@given(st.text())
def test_printed_text_has_the_same_lines_and_no_control_characters(text):
    stream = io.StringIO()
    say(text, stream=stream)
    assert is_plain(stream.getvalue())
    assert stream.getvalue().count("\n") == text.count("\n") + 1
    assert visible(text).count("\n") == 0


@pytest.mark.parametrize(
    "table",
    [
        lambda: by_graph({ORDERS: {"n_links": 1}}),
        lambda: by_measure({ORDERS: {"n_links": 1}}),
        lambda: in_columns(pd.DataFrame({"label": [ORDERS], ORDERS: [1]})),
        lambda: in_columns(pd.DataFrame({"a": [1]}, index=[ORDERS]), index=True),
    ],
)
def test_a_name_has_one_line_of_a_table(table):
    text = table()
    assert is_plain(text)
    assert text.count("\n") == 1


def test_errors_and_warnings_are_one_line_without_control_characters(capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for words in (["diagnose", ORDERS], ["score", f"{ORDERS}.npz"], ["train", "--dataset", ORDERS], ["report", ORDERS]):
        assert cli.main(words) == 2
        said = capfd.readouterr().err
        assert is_plain(said)
        assert said.count("\n") == 1
        assert r"\x1b[2J" in said
    with pytest.raises(SystemExit):
        cli.main(["train", "--method", "set", f"--{ORDERS}"])
    said = capfd.readouterr().err
    assert is_plain(said)
    assert said.count("\n") == 1


def test_layers_of_a_checkpoint_are_shown_plainly(capfd, tmp_path):
    from safetensors.torch import save_file

    weights = torch.zeros(4, 4)
    weights[0] = 1
    save_file({f"{ORDERS}.weight": weights, "fc.weight": weights.clone()}, tmp_path / "model.safetensors")
    assert cli.main(["diagnose", str(tmp_path / "model.safetensors"), "--measures", "fan_in_gini"]) == 0
    said = capfd.readouterr()
    assert is_plain(said.out + said.err)
    assert r"fc\x1b[2J" in said.out
    assert cli.main(["diagnose", str(tmp_path / "model.safetensors"), "--measures", "fan_in_gini", "--json"]) == 0
    said = capfd.readouterr().out
    assert is_plain(said)
    assert any(ORDERS in name for name in json.loads(said))


def test_progress_shows_names_plainly():
    stream = io.StringIO()
    with Progress(ORDERS, 10, stream=stream) as progress:
        progress.note("epoch 1", {"loss": "1"}, seconds=1, left=1)
    assert is_plain(stream.getvalue())
    assert stream.getvalue().count("\n") == 1


def test_what_a_model_writes_is_exact_in_a_file_and_plain_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    exact, shown = io.StringIO(), Terminal()
    for stream in (exact, shown):
        say_content("one\x1b[2J\ntwo", stream=stream)
    assert exact.getvalue() == "one\x1b[2J\ntwo\n"
    assert shown.getvalue() == "one\\x1b[2J\ntwo\n"


PRINTS = {"print", "sys.stdout.write", "sys.stderr.write"}


def test_commands_only_print_through_terminal():
    folder = Path(cli.__file__).parent
    bare = [
        (path.name, node.lineno)
        for path in [*folder.rglob("*.py"), *Path(sys.modules["topolearn"].__file__).parent.rglob("progress.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTS
    ]
    assert bare == []


def test_markdown_tables_keep_their_cells():
    table = pd.DataFrame({"mean": [1.0]}, index=pd.Index([f"a|b\n<script>{ORDERS}"], name="label"))
    lines = to_markdown(table).split("\n")
    assert len(lines) == 3
    assert is_plain(lines[2])
    assert "<script>" not in lines[2]
    assert len(re.findall(r"(?<!\\)\|", lines[2])) == 3


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_report_shows_names_and_runs_none(tmp_path):
    name = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    layers = {name: torch.nn.Linear(6, 6), "head": torch.nn.Linear(6, 2)}
    model = torch.nn.Sequential()
    for key, layer in layers.items():
        model.add_module(key, layer)
    model = tl.sparsify(model, tl.method("set", density=0.5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, tl.method("set", density=0.5), total_steps=4, interval=2)
    with tl.record(tmp_path / "<b>run<!--", topology, measures=["closure"], config={name: name}) as recorder:
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.ones(2, 6)).square().mean().backward()
            optimizer.step()
            topology.step()
            recorder.log({"<i>loss": 1.0})
    page = tl.Run(tmp_path / "<b>run<!--").report().read_text()
    for raw in ("<script>alert", "<img src=x", "<b>run", "<i>loss", "<!--"):
        assert raw not in page
    assert html.escape(name, quote=False).replace('"', "&#34;").replace("'", "&#39;") in page


# --- damaged tables ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged") / "run"
    config = tl.TrainConfig(run_dir=str(path), epochs=2, hidden=(8,), batch_size=256, measures=("closure",), threads=1)
    return tl.train(config, quiet=True)


@pytest.mark.parametrize("name", ["measures.csv", "layers.csv", "network.csv", "metrics.csv"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("step", "stop"),
        lambda text: text.replace("layer", "player").replace("step", "stop"),
        lambda text: text.replace("index", "x") if "index" in text else text.replace("step", "x"),
        lambda text: re.sub(r"(?m)^(\d+,\d+,)(.*?)[\d.]+$", r"\1\2high", text),
        lambda text: "",
        lambda text: text.replace(",", ";"),
    ],
    ids=["no step", "no layer", "no index", "no number", "empty", "other separator"],
)
def test_a_damaged_table_is_named(name, damage, run):
    file = run.path / name
    whole = file.read_text()
    file.write_text(damage(whole))
    opened = tl.Run(run.path)
    try:
        for read in (lambda: opened.measures, lambda: opened.layers, lambda: opened.network, lambda: opened.metrics,
                     opened.report):  # fmt: skip
            try:
                read()
            except CorruptFileError as error:
                assert name in str(error)
                assert "\n" not in str(error)
            except tl.errors.TopolearnError as error:
                assert "\n" not in str(error)
    finally:
        file.write_text(whole)


def test_labels_of_a_study_are_shown_plainly(capfd, tmp_path):
    text = 'name = "s"\nseeds = [0]\n[[setting]]\nlabel = "a\\u001b[2J\\nb"\nmethod = "set"\n'
    (tmp_path / "study.toml").write_text(text)
    try:
        Study.load(tmp_path / "study.toml")
    except tl.errors.TopolearnError:
        return  # rejected at the door, which will do as well
    assert cli.main(["sweep", str(tmp_path / "study.toml"), "--dir", str(tmp_path / "out"), "--list"]) == 0
    said = capfd.readouterr().out
    assert is_plain(said)
    assert said.strip().count("\n") == 1
