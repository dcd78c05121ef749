"""Text is read in pieces from all kinds of files; unreadable text is rejected with its place."""

import gzip
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topolearn.errors import CorruptFileError, InvalidValueError, MissingFileError
from topolearn.tasks.language import Text, read_texts, text

DOCUMENTS = ["A first one.\nOf two lines.", "Ein zweites – ☃.", " "]


def write(path, documents):
    """Write documents in the format given by the suffix of a path."""
    lines = [json.dumps({"text": each, "id": number}, ensure_ascii=False) for number, each in enumerate(documents)]
    if path.suffix == ".parquet":
        pd.DataFrame({"id": range(len(documents)), "text": documents}).to_parquet(path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress("".join(f"{line}\n\n" for line in lines).encode()))
    else:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("name", ["train.jsonl", "train.jsonl.gz", "train.parquet"])
def test_files_of_documents(name, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    write(tmp_path / name, DOCUMENTS)
    assert list(Text((tmp_path / name,)).pieces()) == [(each, True) for each in DOCUMENTS]
    with pytest.raises(InvalidValueError, match="'body'"):
        list(Text((tmp_path / name,), "body").pieces())


@given(st.lists(st.text("aé☃ \t\r\x0b\u2028", max_size=9), min_size=1, max_size=30), st.integers(1, 20))
def test_pieces_of_a_plain_file_give_it_back_and_are_cut_before_lines(tmp_path_factory, lines, size):
    path, content = tmp_path_factory.mktemp("text") / "book.txt", "x" + "\n".join(lines)
    path.write_bytes(content.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "PIECE", size)
        pieces = list(Text((path,)).pieces())
        shares = [Text((path,), "text", *share) for share in ((0.0, 0.6), (0.6, 1.0))]
        first, rest = ("".join(piece for piece, _ in each._plain(path)) for each in shares)
    assert "".join(piece for piece, _ in pieces) == content
    assert [ends for _, ends in pieces] == [False] * (len(pieces) - 1) + [True]
    assert all(piece.endswith("\n") for piece, ends in pieces if not ends)
    assert first + rest == content
    assert not rest or first.endswith("\n")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"", "contains no text"),
        ("a.txt", b" \n\n", "contains no text"),
        ("a.txt", "Grüße".encode("latin-1"), r"not UTF-8, at byte 0xfc.*iconv"),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', "line 2 is not JSON"),
        ("a.jsonl", b'["text"]\n', "line 1 has no text 'text', only list"),
        ("a.jsonl", b'{"body": "a"}\n', "line 1 has no text 'text', only 'body': name the text column"),
        ("a.jsonl", b'{"body": "a", "text": 3}\n', "line 1: its 'text' is 3, not text: remove it"),
        ("a.jsonl", b'{"text": null}\n', "line 1: its 'text' is null, not text: remove it"),
        ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("a.jsonl", b'{"text": ' + b"1" * 5000 + b"}", "line 1 is not JSON"),
        ("a.txt", "a dog".encode("utf-16"), "not UTF-8, .* iconv -f UTF-16 -t UTF-8"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "\\ud800"}\n', r"a\.jsonl, line 2: character U\+D800 .*is not UTF-8"),
        ("a.txt.gz", gzip.compress(b"abc" * 99, mtime=0)[:-9], "cut off"),
        ("a.txt.gz", b"abc", "cut off or is not a .gz"),
    ],
)
def test_what_cannot_be_read_is_rejected(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises((CorruptFileError, InvalidValueError), match=said):
        list(Text((tmp_path / name,)).pieces())


def test_lines_of_json_may_begin_with_the_mark_that_windows_writes(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": "\ufeffb"}\n', encoding="utf-8-sig")
    assert list(Text((tmp_path / "a.jsonl",)).pieces()) == [("a", True), ("\ufeffb", True)]
    (tmp_path / "a.txt").write_text("a\n", encoding="utf-8-sig")
    assert list(Text((tmp_path / "a.txt",)).pieces()) == [("a\n", True)]


def test_an_invalid_parquet_file_is_rejected(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(CorruptFileError, match=r"a\.parquet is not a Parquet file"):
        list(Text((tmp_path / "a.parquet",)).pieces())


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["a", "☃"], ["a", "☃"]),
        ([b"a", "☃".encode()], ["a", "☃"]),
        (pd.Categorical(["a", "b", "a"]), ["a", "b", "a"]),
        (["a", None], "row 2: its 'text' is null, not text"),
        ([1, 2], "row 1: its 'text' is 1, not text"),
        ([["a b", "c"]], r"row 1: its 'text' is \['a b', 'c'\], not text"),
        ([b"\xff"], "is not UTF-8"),
    ],
)
def test_columns_of_parquet_files_are_text_or_rejected(column, expected, tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"text": column}).to_parquet(tmp_path / "a.parquet")
    pieces = Text((tmp_path / "a.parquet",)).pieces()
    if isinstance(expected, list):
        assert [piece for piece, _ in pieces] == expected
        return
    with pytest.raises((CorruptFileError, InvalidValueError), match=expected):
        list(pieces)


def test_a_damaged_page_of_a_parquet_file_is_reported(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": [f"dog {i}" for i in range(999)]}).to_parquet(path, compression="gzip")
    content = bytearray(path.read_bytes())
    content[40:240] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"a\.parquet is damaged .*: get it again"):
        list(Text((path,)).pieces())


def test_a_file_without_lines_in_its_last_tenth_cannot_be_divided(tmp_path):
    (tmp_path / "text8").write_text("a dog runs " * 99)
    with pytest.raises(InvalidValueError, match=r"no text begins in the last 10% of .*text8: break it into lines"):
        list(read_texts(str(tmp_path / "text8")).val.pieces())


def test_a_folder_is_a_corpus(tmp_path):
    for name in ("train-1.txt", "train-2.jsonl", "validation.txt", "test.txt.gz", "notes.md"):
        (tmp_path / name).touch()
    corpus = read_texts(str(tmp_path))
    names = [tuple(file.name for file in each.files) for each in (corpus.train, corpus.val, corpus.test)]
    assert names == [("train-1.txt", "train-2.jsonl"), ("validation.txt",), ("test.txt.gz",)]


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("train.txt.gz", InvalidValueError, r"train\.txt and train\.txt\.gz would both be read: remove one"),
        ("train_2.txt", InvalidValueError, r"train_2\.txt is not read, .*: rename it, as in train-2\.txt"),
        ("valid2.jsonl.gz", InvalidValueError, r"valid2\.jsonl\.gz is not read"),
        ("train-2.txt", MissingFileError, r"train-2\.txt is not a file, or a link to one"),
        ("training.txt", None, ""),
        ("train_notes.md", None, ""),
    ],
)
def test_files_of_a_split_are_neither_doubled_nor_ignored(name, error, said, tmp_path):
    for each in ("train.txt", "val.txt"):
        (tmp_path / each).write_text("a dog")
    if name == "train-2.txt":
        (tmp_path / name).symlink_to("nowhere")
    else:
        (tmp_path / name).touch()
    if error is None:
        assert len(read_texts(str(tmp_path)).train.files) == 1
        return
    with pytest.raises(error, match=said):
        read_texts(str(tmp_path))


def test_what_is_not_there_is_rejected_by_name(tmp_path):
    with pytest.raises(MissingFileError, match="did you mean 'wikitext-2'"):
        read_texts("wikitext2")
    with pytest.raises(MissingFileError, match=r"needs wiki\.train\.tokens, .*name their folder with data_dir"):
        read_texts("wikitext-2", tmp_path)
    (tmp_path / "train.txt").touch()
    with pytest.raises(MissingFileError, match=r"no file for val: name it val\.txt"):
        read_texts(str(tmp_path))
    (tmp_path / "all.jsonl").touch()
    with pytest.raises(InvalidValueError, match="one file of documents"):
        read_texts(str(tmp_path / "all.jsonl"))


def test_a_checksum_tells_texts_apart(tmp_path):
    for name, content in (("a.txt", "a"), ("b.txt", "b"), ("c.txt", "a")):
        (tmp_path / name).write_text(content)
    sums = {name: Text((tmp_path / f"{name}.txt",)).checksum() for name in "abc"}
    assert sums["a"] == sums["c"] != sums["b"]
    assert Text((tmp_path / "a.txt",), "body").checksum() != sums["a"]
    for name in ("a.txt.gz", "a.jsonl.gz"):
        (tmp_path / name).write_bytes(b"")
    assert Text((tmp_path / "a.txt.gz",)).checksum() != Text((tmp_path / "a.jsonl.gz",)).checksum()
    assert Text((tmp_path / "a.txt",), "text", 0.0, 0.9).checksum() != sums["a"]
