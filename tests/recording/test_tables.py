"""Tables that grow row by row: all appended rows are read back, and a cut-off last line is ignored."""

import csv
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.errors import CorruptFileError
from topolearn.recording.tables.growing import Table, not_finite, read_table

NAMES = st.sampled_from(["loss", "val/loss", "a,b", 'quo"te', "größe"])
NUMBERS = st.integers(-(2**53), 2**53) | st.floats()
ROWS = st.lists(st.dictionaries(NAMES, NUMBERS, max_size=4), max_size=8)


def same(one, other):
    return one == other or (math.isnan(one) and math.isnan(other))


@examples(60)
@given(rows=ROWS, data=st.data())
def test_rows_appended_in_any_portions_are_read_back(rows, data, tmp_path_factory):
    file = tmp_path_factory.mktemp("table") / "metrics.csv"
    rows = [{"step": i, **row} for i, row in enumerate(rows)]
    left = list(rows)
    while left:
        n = data.draw(st.integers(1, len(left)))
        Table(file).append(left[:n])
        left = left[n:]
    found = read_table(file)
    assert len(found) == len(rows)
    for row, mine in zip(rows, found.to_dict("records"), strict=True):
        for name, value in mine.items():
            assert same(float(value), float(row.get(name, math.nan)))


@examples(60)
@given(rows=ROWS.filter(bool), share=st.floats(0, 1))
@example(rows=[{"val/loss": 0, "größe": 0}], share=17.5 / 28)  # in the middle of a letter
def test_a_file_that_was_cut_off_anywhere_keeps_its_complete_rows(rows, share, tmp_path_factory):
    file = tmp_path_factory.mktemp("table") / "metrics.csv"
    Table(file).append({"step": i, **row} for i, row in enumerate(rows))
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    n_whole = max(file.read_bytes().count(b"\n") - 1, 0)
    assert len(read_table(file)) == n_whole
    table = Table(file)
    table.append([{"step": 10**6, "late": 1.5}])
    found = read_table(file)
    assert len(found) == n_whole + 1
    assert found["step"].tolist() == [*range(n_whole), 10**6]
    assert found["late"].iloc[-1] == 1.5


def test_rows_beyond_a_step_are_cut(tmp_path):
    table = Table(tmp_path / "metrics.csv")
    table.append([{"step": 1, "a": 0.1}, {"step": 500, "a": 0.2, "n_steps": 2}, {"step": 3, "a": 0.3}])
    table.cut(2)
    assert read_table(table.path)["a"].tolist() == [0.1, 0.2]
    table.cut(math.inf)
    assert read_table(table.path)["a"].tolist() == [0.1, 0.2]
    table.append([{"step": 4, "a": 0.4}])
    assert list(csv.reader(table.path.open(encoding="utf-8")))[-1] == ["4", "0.4", ""]


def test_layers_are_text_whatever_they_are_called(tmp_path):
    names = ["0", "1.5", "NA", "nan", "", "true"]
    Table(tmp_path / "layers.csv").append({"step": 0, "layer": name, "n": 1} for name in names)
    assert read_table(tmp_path / "layers.csv")["layer"].tolist() == names


def test_an_empty_cell_is_not_nan(tmp_path):
    Table(tmp_path / "metrics.csv").append(
        [{"step": 1, "a": math.nan}, {"step": 2, "b": math.inf}, {"step": 3, "a": 1}]
    )
    assert not_finite(tmp_path / "metrics.csv") == {"a": [1], "b": [2]}
    assert not_finite(tmp_path / "nothing.csv") == {}


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "step,a\nx,1\n"])
def test_other_tables_are_not_cut(content, tmp_path):
    (tmp_path / "metrics.csv").write_text(content)
    message = r"metrics\.csv is not a table of a run: it has no numeric column 'step'"
    with pytest.raises(CorruptFileError, match=message):
        Table(tmp_path / "metrics.csv").cut(0)
