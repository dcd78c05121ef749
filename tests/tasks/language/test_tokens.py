"""Tokens are written to files and read back window by window; changed tokenizers and files are rejected."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topolearn.errors import CheckpointError, CorruptFileError, InvalidTypeError, InvalidValueError, MissingFileError
from topolearn.tasks.language import (
    Text,
    Tokenizer,
    TokenShards,
    TokenWindows,
    WindowBatches,
    cached_shards,
    learn_tokenizer,
    read_texts,
    write_shards,
)
from topolearn.tasks.stream import BatchStream

tokenizers = pytest.importorskip("tokenizers")
DOCUMENTS = ["the dog runs.\nThe dog sleeps", "a cat", "", "ein Hund – ☃ </s> <| end |>"]


@pytest.fixture(scope="module")
def tokenizer():
    return learn_tokenizer(DOCUMENTS, 280)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"text": each}) + "\n" for each in DOCUMENTS))
    return Text((path,))


@given(st.text())
def test_text_is_restored(tokenizer, content):
    assert tokenizer.decode(tokenizer.encode([content])[0]) == content
    assert tokenizer.end not in tokenizer.encode([content])[0]


def test_a_tokenizer_is_a_function_of_text_and_size_and_its_file_gives_it_back(tokenizer, tmp_path):
    again = learn_tokenizer(iter(DOCUMENTS), 280)
    assert again.hash == tokenizer.hash
    again.save(tmp_path / "tokenizer.json")
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        loaded = Tokenizer.load(path)
        assert (loaded.hash, loaded.end, loaded.n_tokens) == (tokenizer.hash, tokenizer.end, 280)
    (tmp_path / "marked.json").write_text(tokenizer.content, encoding="utf-8-sig")  # as Notepad writes it
    assert Tokenizer.load(tmp_path / "marked.json").hash == tokenizer.hash
    assert tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")).get_vocab_size() == 280
    with pytest.raises(CheckpointError, match="was trained with another tokenizer"):
        learn_tokenizer(DOCUMENTS, 270).check_hash(tokenizer.hash, "run")


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (["a", "b\ud800"], InvalidValueError, r"text 2: character U\+D800 in 'b\\ud800' is not UTF-8"),
        (["a", 3], InvalidTypeError, "text 2: 3 must be text"),
        ("a dog", InvalidTypeError, r"'a dog' is a single text: pass a list, \['a dog'\]"),
    ],
)
def test_what_is_not_text_is_rejected(tokenizer, content, kind, said):
    with pytest.raises(kind, match=said):
        tokenizer.encode(content)


def test_tokenizers_that_cannot_be_used_are_rejected(tmp_path):
    with pytest.raises(InvalidValueError, match="size=256 must be at least 257: 256 bytes and 1 mark"):
        learn_tokenizer(DOCUMENTS, 256)
    with pytest.raises(MissingFileError, match="omit it to learn one"):
        Tokenizer.load(tmp_path)
    for content, error, said in (
        (b"{}", CorruptFileError, "not in the format"),
        (b"\xff", CorruptFileError, "not in the format"),
        (tokenizers.Tokenizer(tokenizers.models.BPE()).to_str().encode(), InvalidValueError, "no end mark"),
    ):
        (tmp_path / "tokenizer.json").write_bytes(content)
        with pytest.raises(error, match=said):
            Tokenizer.load(tmp_path)


def test_a_file_that_asks_for_truncation_and_padding_gives_all_tokens(tokenizer):
    cut = tokenizers.Tokenizer.from_str(tokenizer.content)
    cut.enable_truncation(max_length=3)
    cut.enable_padding(length=50)
    made = Tokenizer(cut.to_str())
    assert made.encode(DOCUMENTS) == tokenizer.encode(DOCUMENTS)
    assert Tokenizer(made.content).hash == made.hash
    assert tokenizers.Tokenizer.from_str(made.content).truncation is None


def test_the_number_of_tokens_counts_gaps():
    model = tokenizers.models.WordLevel({"a": 0, "dog": 7, "</s>": 3}, unk_token="a")
    assert Tokenizer(tokenizers.Tokenizer(model).to_str()).n_tokens == 8


@pytest.mark.parametrize("shard_tokens", [1, 7, 10**6])
def test_shards_hold_all_tokens_behind_marks(tokenizer, source, tmp_path, shard_tokens):
    shards = write_shards(source, tokenizer, tmp_path / "tokens", shard_tokens=shard_tokens)
    expected = [token for each in tokenizer.encode(DOCUMENTS) for token in (tokenizer.end, *each)]
    assert len(shards) == len(expected) == shards.index["n_tokens"]
    assert shards.read(0, len(shards)).tolist() == expected
    for begin, end in ((0, 1), (3, 9), (len(expected) - 1, len(expected))):
        assert shards.read(begin, end).tolist() == expected[begin:end]
    assert shards.document_starts().tolist() == [i for i, token in enumerate(expected) if token == tokenizer.end]
    assert shards.n_bytes == sum(len(each.encode()) for each in DOCUMENTS)
    assert shards.n_words == sum(len(each.split()) + each.count("\n") for each in DOCUMENTS)
    assert shards.index["n_documents"] == 4


def test_tokens_are_encoded_once_for_a_text_and_a_tokenizer(tokenizer, source, tmp_path, monkeypatch):
    made = cached_shards(source, tokenizer, tmp_path / "cache")
    written = []
    monkeypatch.setattr(Tokenizer, "encode", lambda self, texts: written.append(texts) or [[1]] * len(texts))
    assert cached_shards(source, tokenizer, tmp_path / "cache").key == made.key
    assert not written
    other = cached_shards(Text(source.files, "text", 0.0, 0.5), tokenizer, tmp_path / "cache")
    assert other.key != made.key
    assert written
    (tmp_path / "file").touch()
    with pytest.raises(InvalidValueError, match=r"file/cache cannot be created .*: choose another cache_dir"):
        cached_shards(source, tokenizer, tmp_path / "file" / "cache")


def test_shards_that_were_damaged_are_rejected(tokenizer, source, tmp_path):
    folder = tmp_path / "tokens"
    write_shards(source, tokenizer, folder)
    shard = folder / "00000.bin"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    with pytest.raises(CorruptFileError, match=f"{len(content) - 1} bytes instead of {len(content)}: delete"):
        TokenShards(folder, verify=False)
    shard.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(CorruptFileError, match="has changed since it was written: delete"):
        TokenShards(folder)
    shard.unlink()
    with pytest.raises(CorruptFileError, match="no bytes"):
        TokenShards(folder)
    with pytest.raises(MissingFileError, match="there are no tokens"):
        TokenShards(tmp_path)


def test_what_is_interrupted_leaves_nothing(tokenizer, source, tmp_path, monkeypatch):
    monkeypatch.setattr(Text, "pieces", lambda self: iter([("a", True), (1, True)]))
    with pytest.raises(TypeError):
        write_shards(source, tokenizer, tmp_path / "tokens")
    assert [each.name for each in tmp_path.iterdir()] == ["train.jsonl"]


@pytest.mark.parametrize("length", [1, 3, 5, 1000])
@pytest.mark.parametrize("kind", ["packed", "document"])
def test_every_token_is_predicted_once(tokenizer, source, tmp_path, kind, length):
    shards = write_shards(source, tokenizer, tmp_path / "tokens")
    windows = [TokenWindows(shards, length, kind)[i] for i in range(len(TokenWindows(shards, length, kind)))]
    tokens = shards.read(0, len(shards))
    predicted = np.concatenate([wanted for _, wanted in windows]).tolist()
    assert all(len(read) == len(wanted) <= length for read, wanted in windows)
    if kind == "packed":
        assert predicted == tokens[1:].tolist()
        assert np.concatenate([read for read, _ in windows]).tolist() == tokens[:-1].tolist()
    else:
        assert predicted == tokens[tokens != tokenizer.end].tolist()
        assert all((wanted != tokenizer.end).all() for _, wanted in windows)
        for read, wanted in windows:
            assert (read[1:] == wanted[:-1]).all()


def test_windows_come_in_an_order_of_seed_and_epoch_and_can_be_taken_up_anywhere():
    batches = WindowBatches(11, 3, seed=5)
    assert len(batches) == 3
    orders = []
    for epoch in (0, 1):
        batches.set_epoch(epoch)
        orders.append(list(batches))
        drawn = [i for batch in orders[-1] for i in batch]
        assert len(set(drawn)) == len(drawn) == 9
    assert orders[0] != orders[1]
    stream = BatchStream(WindowBatches(11, 3, seed=5), 7)
    assert [stream[i] for i in (4, 0, 6)] == [orders[1][1], orders[0][0], BatchStream(batches, 7)[6]]
    with pytest.raises(InvalidValueError, match="2 windows, fewer than a batch of 3"):
        WindowBatches(2, 3)


def test_nothing_to_predict_is_rejected(tokenizer, source, tmp_path, monkeypatch):
    monkeypatch.setattr(Text, "pieces", lambda self: iter([("", True)]))
    shards = write_shards(source, tokenizer, tmp_path / "tokens")
    for kind in ("packed", "document"):
        with pytest.raises(InvalidValueError, match="has 1 tokens, and none to predict"):
            TokenWindows(shards, 4, kind)


DATA = Path(__file__).parents[4] / "shared" / "data" / "text"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the texts")
def test_the_real_wikitext_has_its_words(tmp_path):
    corpus = read_texts("wikitext-2", DATA)
    tokenizer = learn_tokenizer((piece for piece, _ in corpus.train.pieces()), 2000)
    splits = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
    shards = {name: write_shards(each, tokenizer, tmp_path / name) for name, each in splits.items()}
    assert {name: each.n_words for name, each in shards.items()} == {
        "train": 2_088_628, "val": 217_646, "test": 245_569,
    }  # fmt: skip
    assert shards["train"].n_bytes == 10_797_148
    assert len(shards["train"]) == pytest.approx(3.53e6, rel=0.01)
