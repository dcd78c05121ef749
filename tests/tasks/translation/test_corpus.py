"""Parallel text: only line feeds end lines, and text that is not aligned is rejected with file and line."""

import gzip
import os
from pathlib import Path

import pytest

from topolearn.errors import CorruptFileError, InvalidTypeError, InvalidValueError, MissingFileError
from topolearn.tasks.translation import CORPORA, CorpusFiles, ParallelText, read_corpus, read_parallel, sentences_of

REAL = Path(os.environ.get("TOPOLEARN_DATA", "data"))
TEXTS = {"en": "A man.\nTwo dogs.\n", "de": "Ein Mann.\nZwei Hunde.\n"}


def written(folder, names=("train", "val", "test"), ending="", texts=TEXTS):
    folder.mkdir(exist_ok=True, parents=True)
    for name in names:
        for language, text in texts.items():
            content = text.encode()
            path = folder / f"{name}.{language}{ending}"
            path.write_bytes(gzip.compress(content) if ending else content)
    return folder


def pair(tmp_path, source, target):
    for name, content in (("train.en", source), ("train.de", target)):
        (tmp_path / name).write_bytes(content)
    return tmp_path / "train.en", tmp_path / "train.de"


@pytest.mark.parametrize(
    ("content", "sentences"),
    [
        (b"a b\nc\n", ["a b", "c"]),
        (b"a b\nc", ["a b", "c"]),
        (b"  a \t b  \r\nc\r\n", ["a b", "c"]),
        ("a\u2028b\u0085c\x0bd\x1ce\u00a0f\n".encode(), ["a b c d e f"]),
        ("\ufeffÄ </s>\n".encode(), ["Ä </s>"]),
        (b"a\n\n \nb\n", ["a", "", "", "b"]),
        (b"", []),
    ],
)
def test_a_line_ends_at_a_line_feed_alone(content, sentences):
    assert sentences_of(content, "text") == sentences


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_folder_of_plain_or_compressed_files_is_a_corpus(tmp_path, ending):
    corpus = read_corpus(str(written(tmp_path / "own", ending=ending)), ("de", "en"))
    assert corpus.languages == ("de", "en")
    assert corpus.val.source == ("Ein Mann.", "Zwei Hunde.")
    assert corpus.test.target == ("A man.", "Two dogs.")
    assert corpus.train.files[0].name == f"train.de{ending}"


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (b"a\nb\n", b"a\n", r"train.en has 2 lines and .*train.de 1: remove the lines without a translation"),
        (b"a\n\nb\n \n", b"a\nb\nc\nd\n", r"train.en has 2 empty lines \(line 2, 4\): remove the same lines"),
        (b"a\nb\n", b"a\n\t\n", r"train.de has 1 empty line \(line 2\)"),
        (b"\n" * 7, b"a\n" * 7, r"train.en has 7 empty lines \(line 1, 2, 3, 4, 5, ...\)"),
        (b"", b"", r"train.en and .*train.de have no lines"),
        (b"a\nb \xe4\n", b"a\nb\n", r"train.en, line 2: byte 0xe4 is not UTF-8: convert the text"),
    ],
)
def test_what_is_not_aligned_text_is_rejected(tmp_path, source, target, said):
    with pytest.raises((InvalidValueError, CorruptFileError), match=said):
        read_parallel(*pair(tmp_path, source, target))


def test_files_that_are_missing_cut_off_or_other_ones_are_rejected(tmp_path):
    folder = written(tmp_path / "own", ending=".gz")
    (folder / "val.en.gz").write_bytes((folder / "val.en.gz").read_bytes()[:-9])
    with pytest.raises(CorruptFileError, match=r"val.en.gz is cut off or not gzip"):
        read_corpus(str(folder))
    (folder / "val.en.gz").unlink()
    (folder / "test.de.gz").unlink()
    with pytest.raises(MissingFileError, match=r"own needs val.en, test.de \(plain or as .gz; one sentence per line\)"):
        read_corpus(str(folder))
    with pytest.raises(MissingFileError, match=r"there is no text file .*absent"):
        read_parallel(tmp_path / "absent", tmp_path / "absent")


def test_a_name_that_is_neither_set_nor_folder_is_rejected_with_the_nearest(tmp_path):
    with pytest.raises(MissingFileError, match=r"dataset='multi30' is neither .*did you mean 'multi30k'"):
        read_corpus("multi30")
    with pytest.raises(InvalidValueError, match="source and target language are both 'en'"):
        read_corpus(str(written(tmp_path / "own")), ("en", "en"))


def test_multi30k_is_looked_for_as_other_sets_are_and_checked(tmp_path):
    with pytest.raises(MissingFileError, match=r"multi30k needs train.en, .*test_2016_flickr.de .* data_dir"):
        read_corpus("multi30k", data_dir=tmp_path)
    written(tmp_path / "multi30k", ("train", "val", "test_2016_flickr"))
    with pytest.raises(CorruptFileError, match=r"train.en is not the expected file"):
        read_corpus("multi30k", data_dir=tmp_path)


def test_a_custom_data_set_can_be_registered(tmp_path):
    written(tmp_path / "captions", ("learn", "val", "test"))
    CORPORA.register("captions", CorpusFiles({"train": "learn", "val": "val", "test": "test"}, "two sentences"))
    try:
        assert len(read_corpus("captions", data_dir=tmp_path).train) == 2
    finally:
        CORPORA.unregister("captions")


def test_the_first_pairs_keep_their_lines():
    text = ParallelText(("a", "b", "c"), ("d", "e", "f"), (Path("x"), Path("y")))
    assert (text.first(2).source, text.first(9).target, text.first(1).files) == (
        ("a", "b"),
        ("d", "e", "f"),
        text.files,
    )
    for n, kind in ((0, InvalidValueError), (1.5, InvalidTypeError)):
        with pytest.raises(kind, match="n="):
            text.first(n)


@pytest.mark.skipif(not (REAL / "multi30k").is_dir(), reason="no multi30k in TOPOLEARN_DATA")
def test_the_real_multi30k_is_read_whole():
    corpus = read_corpus("multi30k", data_dir=REAL)
    assert [len(text) for text in (corpus.train, corpus.val, corpus.test)] == [29000, 1014, 1000]
    assert corpus.test.source[0] == "A man in an orange hat starring at something."
    assert corpus.test.target[0] == "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt."
    assert not any("  " in sentence for sentence in corpus.train.source)
