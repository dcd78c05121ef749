"""Vocabularies: text is restored, marks stay out of it, and those of other runs or files are rejected."""

import subprocess
import sys

import pytest

from tests.tasks.translation.texts import TEXT, parallel
from topolearn.errors import (
    CheckpointError,
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
    UnknownNameError,
)
from topolearn.tasks.translation import BEGIN, END, PAD, UNKNOWN, Vocabulary, learn_vocabulary
from topolearn.tasks.translation.vocabulary import MARKS

tokenizers = pytest.importorskip("tokenizers")

KINDS = [("bpe", True), ("bpe", False), ("word", True), ("word", False)]
ODD = ["</s> and <s>", "<| end |> <| pad |>", "<unk>", "a\u2028b", "☃ 𝔘 é", "Ġ ▁ \x00", "x" * 300]


@pytest.fixture(scope="module")
def learnt():
    return {case: learn_vocabulary(TEXT, case[0], size=300, joint=case[1]) for case in KINDS}


@pytest.mark.parametrize("case", KINDS)
def test_sentences_of_the_training_split_come_back(learnt, case):
    tokens = learnt[case].encode_target(TEXT.target)
    assert learnt[case].decode(tokens) == list(TEXT.target)
    assert not any(token in (PAD, BEGIN, UNKNOWN) for each in tokens for token in each)
    assert all(each.count(END) == 1 and each[-1] == END for each in tokens)


@pytest.mark.parametrize("sentence", ODD)
def test_pieces_give_back_any_text(learnt, sentence):
    for joint in (True, False):
        (tokens,) = learnt["bpe", joint].encode_target([sentence])
        assert min(tokens[:-1]) > UNKNOWN
        assert learnt["bpe", joint].decode([tokens]) == [" ".join(sentence.split())]


@pytest.mark.parametrize("literal", [*MARKS[:3], "</s>", "<s>", "<pad>"])
@pytest.mark.parametrize("kind", ["bpe", "word"])
def test_text_that_spells_a_mark_is_text_even_when_learned_from(kind, literal):
    vocabulary = learn_vocabulary(parallel((f"a {literal} b", f"a {literal}b {literal}")), kind, size=400)
    (tokens,) = vocabulary.encode_target([f"a {literal} b"])
    assert tokens[-1] == END
    assert not {PAD, BEGIN, END} & set(tokens[:-1])
    assert vocabulary.decode([tokens]) == [f"a {literal} b"]


def test_unknown_words_stay_visible(learnt):
    vocabulary = learnt["word", True]
    (tokens,) = vocabulary.encode_source(["a snowman runs."])
    assert tokens[1] == UNKNOWN
    assert vocabulary.decode([tokens]) == ["a <unk> runs."]
    with_one = learn_vocabulary(parallel(("a <unk> b", "c")), "word")  # as in prepared corpora
    assert with_one.encode_source(["<unk>"]) == [[UNKNOWN, END]]


def test_decoding_leaves_out_marks_and_what_follows_the_end(learnt):
    vocabulary = learnt["bpe", True]
    (tokens,) = vocabulary.encode_target(["ein Hund"])
    assert vocabulary.decode([[BEGIN, *tokens, *tokens, PAD], [BEGIN, END], [PAD]]) == ["ein Hund", "", ""]


def test_words_are_sorted_by_count_and_cut_by_size_and_count():
    text = parallel(("b a a", "c c c"), ("a b d", "e e f"))
    assert learn_vocabulary(text, "word").n_source == 10
    twice = learn_vocabulary(text, "word", min_count=2)
    assert twice.encode_source(["a c b e d f"]) == [[4, 5, 6, 7, UNKNOWN, UNKNOWN, END]]
    assert learn_vocabulary(text, "word", size=6).encode_source(["a c b"]) == [[4, 5, UNKNOWN, END]]
    own = learn_vocabulary(text, "word", joint=False)
    assert (own.n_source, own.n_target, own.joint) == (7, 7, False)
    assert own.encode_source(["a c"]) == [[4, UNKNOWN, END]]


def test_a_rare_pair_of_pieces_stays_apart():
    text = parallel(("ab ab cd", "ab"))
    assert learn_vocabulary(text, size=300, min_count=3).encode_source(["ab"])[0][1:] == [END]
    apart = learn_vocabulary(text, size=300, min_count=2).encode_source(["cd"])
    assert len(apart[0]) == 4  # the space, two letters, and the end


@pytest.mark.parametrize("case", KINDS)
def test_a_file_gives_the_same_vocabulary(learnt, case, tmp_path):
    vocabulary, path = learnt[case], tmp_path / "vocabulary.json"
    vocabulary.save(path)
    again = Vocabulary.load(path)
    assert (again.hash, again.kind, again.joint) == (vocabulary.hash, *case)
    assert (again.n_source, again.n_target) == (vocabulary.n_source, vocabulary.n_target)
    assert again.encode_source(ODD) == vocabulary.encode_source(ODD)
    assert again.decode(again.encode_target(TEXT.target)) == list(TEXT.target)
    if vocabulary.joint:
        assert tokenizers.Tokenizer.from_file(str(path)).get_vocab_size() == vocabulary.n_source


def test_every_process_learns_the_same_bytes(learnt):
    code = (
        "from tests.tasks.translation.texts import TEXT\nfrom topolearn.tasks.translation import learn_vocabulary\n"
        "print(*[learn_vocabulary(TEXT, kind, size=300).hash for kind in ('bpe', 'word')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [learnt["bpe", True].hash, learnt["word", True].hash]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('{"source": {}, "target": {}}', "is not in the format of tokenizers"),
        ('{"learning_rate": 1}', "is not in the format of tokenizers"),
        (
            tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0})).to_str(),
            "is not a translation vocabulary",
        ),
        (tokenizers.Tokenizer(tokenizers.models.Unigram()).to_str(), "is not a translation vocabulary"),
    ],
)
def test_files_of_another_kind_are_rejected(content, said, tmp_path):
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(CorruptFileError, match=f"vocabulary.json {said}"):
        Vocabulary.load(path)


def test_a_vocabulary_of_another_run_is_rejected(learnt, tmp_path):
    one, other = learnt["bpe", True], learnt["word", True]
    one.check_hash(one.hash, "run/last.pt")
    with pytest.raises(CheckpointError, match=r"run/last.pt was trained with another vocabulary .* of its own run"):
        one.check_hash(other.hash, "run/last.pt")
    with pytest.raises(MissingFileError, match="absent"):
        Vocabulary.load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"kind": "bpee"}, UnknownNameError, "did you mean 'bpe'"),
        ({"size": 259}, InvalidValueError, "size=259 must be at least 260: 256 bytes and 4 marks"),
        ({"kind": "word", "size": 4}, InvalidValueError, "size=4 must be at least 5"),
        ({"size": 4000.5}, InvalidTypeError, "size=4000.5"),
        ({"min_count": 0}, InvalidValueError, "min_count=0"),
    ],
)
def test_impossible_vocabularies_are_rejected(options, kind, said):
    with pytest.raises(kind, match=said):
        learn_vocabulary(TEXT, **options)
