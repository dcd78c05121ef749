"""Local documents get the names and labels of the harness, and bad files are rejected with file and line."""

import os
from pathlib import Path

import pytest

from tests.tasks.zero_shot.glue import write_glue
from topolearn.errors import CorruptFileError
from topolearn.tasks.zero_shot import LOCAL, ZERO_SHOT, read_documents
from topolearn.tasks.zero_shot.documents import local_files

REAL = Path(os.environ.get("TOPOLEARN_DATA", "data"))


def documents_of(name, data_dir):
    documents = ZERO_SHOT[name].documents
    files = local_files(documents, data_dir)
    return None if files is None else read_documents(documents, files)


def test_each_task_has_its_fields_and_numbers_for_labels(tmp_path):
    write_glue(tmp_path)
    read = {name: documents_of(name, tmp_path) for name in LOCAL}
    assert {name: [each["label"] for each in rows] for name, rows in read.items()} == {
        "cola": [1, 0, 1, 0, 1], "sst2": [1, 0, 1, 0, 1], "rte": [0, 1, 0], "cb": [2, 1, 0, 1], "copa": [0, 1],
        "boolq": [0, 1, 1], "wic": [1, 0], "wsc": [1, 0],
    }  # fmt: skip
    assert read["rte"][0] == {"sentence1": "It rains on day 0.", "sentence2": "It is wet.", "label": 0}
    assert read["cola"][3] == {"sentence": "Big cat.", "label": 0}  # the first of the second file
    assert read["wsc"][0]["span1_text"] == "the dog"  # as it stands in the text
    assert read["wsc"][1]["span1_text"] == "The dog"


def test_the_folder_of_data_or_that_of_the_files_may_be_named(tmp_path):
    write_glue(tmp_path)
    assert documents_of("cb", tmp_path / "glue") == documents_of("cb", tmp_path)
    (tmp_path / "glue" / "CoLA" / "out_of_domain_dev.tsv").unlink()
    assert documents_of("cola", tmp_path) is None  # half of it is not it
    assert documents_of("mnli", tmp_path) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"premise": "A", "hypothesis": "B", "label": "maybe"}', r"line 1 of .*has the label 'maybe', which must be"),
        (b'{"premise": "A", "hypothesis": "B", "label": []}', r"has the label \[\], which must be one of 'entailment'"),
        (b'\n{"premise": "A", "label": "entailment"}', r"line 2 of .*val.jsonl has no field 'hypothesis'"),
        (b'"premise"', "line 1 of .*has no field 'premise'"),
        (b"premise", "line 1 of .*is not JSON"),
        (b'{"premise": "\xff"}', "is not text in UTF-8"),
        (b"\n", "has no line"),
    ],
)
def test_files_that_cannot_be_used_are_rejected(tmp_path, content, message):
    file = tmp_path / "val.jsonl"
    file.write_bytes(content)
    with pytest.raises(CorruptFileError, match=message):
        read_documents(ZERO_SHOT["rte"].documents, [file])


def test_a_line_of_too_few_columns_is_rejected(tmp_path):
    file = tmp_path / "dev.tsv"
    file.write_text("A film.\t1\r\nA film.\n")
    with pytest.raises(CorruptFileError, match=r"line 2 of .*dev.tsv has no field 1"):
        read_documents(ZERO_SHOT["sst2"].documents, [file])


def test_a_sentence_may_hold_other_ends_of_lines(tmp_path):
    file = tmp_path / "dev.tsv"
    file.write_text("A\x85 film\u2028 here.\t1\n", encoding="utf-8")
    assert read_documents(ZERO_SHOT["sst2"].documents, [file]) == [{"sentence": "A\x85 film\u2028 here.", "label": 1}]


@pytest.mark.skipif(not (REAL / "glue").is_dir(), reason="no glue in TOPOLEARN_DATA")
def test_the_real_files_have_so_many_documents_and_such_labels():
    counted = {}
    for name in LOCAL:
        labels = [each["label"] for each in documents_of(name, REAL)]
        counted[name] = [labels.count(label) for label in range(len(ZERO_SHOT[name].answers))]
    assert counted == {
        "cola": [324, 719],  # GLUE has 322 and 721: these are the labels of CoLA 1.0
        "sst2": [428, 444], "rte": [146, 131], "cb": [23, 28, 5], "copa": [55, 45], "boolq": [1237, 2033],
        "wic": [319, 319], "wsc": [66, 38],
    }  # fmt: skip
