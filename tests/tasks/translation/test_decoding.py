"""Decoding: neither the cache nor other sentences change a translation, lengths are bounded, the model is unchanged."""

import pytest
import torch

from tests.tasks.translation.texts import TEXT
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.tasks.translation import (
    PAD,
    TranslationConfig,
    Translator,
    learn_vocabulary,
    length_limit,
    translate,
)

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

SENTENCES = [*TEXT.source[::8], "a", "a man " * 8, "runs. " * 5]


@pytest.fixture(scope="module")
def vocabulary():
    return learn_vocabulary(TEXT, size=300)


@pytest.fixture(scope="module")
def model(vocabulary):
    """A tiny model whose translations differ, some of which end and some of which reach the limit."""
    sizes = {
        "vocab_size": vocabulary.n_source, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
        "max_position_embeddings": 48, "pad_token_id": PAD, "init_std": 1.0, "tie_word_embeddings": False,
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return transformers.M2M100ForConditionalGeneration(transformers.M2M100Config(**sizes)).double()


@pytest.fixture(scope="module")
def expected(model, vocabulary):
    return translate(model, vocabulary, SENTENCES, beams=2)


def test_the_model_of_these_tests_translates_something(model, vocabulary, expected):
    lengths = [len(tokens) for tokens in vocabulary.encode_target(expected)]
    limits = [length_limit(len(tokens)) for tokens in vocabulary.encode_source(SENTENCES)]
    assert len(set(expected)) == len(SENTENCES)
    assert len(set(limits)) > 1
    assert sum(length < limit for length, limit in zip(lengths, limits, strict=True)) > 3
    assert translate(model, vocabulary, SENTENCES, beams=1) != expected


@pytest.mark.parametrize(
    ("beams", "length_penalty"),
    [(2, 1.0), *(pytest.param(*each, marks=pytest.mark.slow) for each in ((1, 1.0), (2, 0.0)))],
)
def test_neither_cache_nor_other_sentences_changes_a_translation(model, vocabulary, beams, length_penalty):
    options = {"beams": beams, "length_penalty": length_penalty}
    together = translate(model, vocabulary, SENTENCES, **options)
    assert translate(model, vocabulary, SENTENCES, **options, cache=False) == together
    assert translate(model, vocabulary, SENTENCES, **options, batch_tokens=1) == together
    assert [translate(model, vocabulary, [sentence], **options)[0] for sentence in SENTENCES] == together


@pytest.mark.parametrize(
    ("sentences", "error", "said"),
    [
        ("a dog", InvalidTypeError, r"'a dog' is a single text: pass a list, \['a dog'\]"),
        (["a dog", None], InvalidTypeError, "sentence 2: None must be text"),
        (["a", "b\ud800"], InvalidValueError, r"sentence 2: character U\+D800"),
    ],
)
def test_what_is_not_a_list_of_sentences_is_rejected(sentences, error, said, model, vocabulary):
    translator = Translator(model, vocabulary, TranslationConfig())
    for call in (translator, lambda given: translate(model, vocabulary, given)):
        with pytest.raises(error, match=said):
            call(sentences)


def test_translations_come_in_the_order_of_the_sentences(model, vocabulary, expected):
    assert translate(model, vocabulary, SENTENCES[::-1], beams=2, batch_tokens=60) == expected[::-1]


def test_an_empty_sentence_stays_empty_and_whitespace_does_not_matter(model, vocabulary, expected):
    odd = ["", f"  {SENTENCES[0]}\u2028", " \t", SENTENCES[1].replace(" ", "\u00a0")]
    assert translate(model, vocabulary, odd, beams=2) == ["", expected[0], "", expected[1]]
    assert translate(model, vocabulary, []) == []


def test_lengths_are_bounded_by_the_source_the_option_and_the_positions(model, vocabulary, monkeypatch):
    asked = []
    generate = model.generate

    def counted(**options):
        rows = generate(**options)
        asked.append((options["input_ids"], options["generation_config"].max_new_tokens, rows.shape[1] - 1))
        return rows

    monkeypatch.setattr(model, "generate", counted)
    translate(model, vocabulary, SENTENCES)
    for input_ids, limit, n_new in asked:
        assert n_new <= limit == min(48, length_limit(input_ids.shape[1]))
    asked.clear()
    translate(model, vocabulary, SENTENCES, max_length=5)
    assert {limit for _, limit, _ in asked} == {5}
    asked.clear()
    translate(model, vocabulary, SENTENCES[:2], max_length=500)
    assert {limit for _, limit, _ in asked} == {48}


def test_batches_hold_at_most_the_tokens(model, vocabulary):
    sizes = []
    translate(model, vocabulary, SENTENCES, batch_tokens=40, max_length=2, progress=sizes.append)
    assert sum(sizes) == len(SENTENCES)
    longest = max(len(tokens) for tokens in vocabulary.encode_source(SENTENCES))
    assert sizes[0] == max(1, 40 // longest)
    assert max(sizes) > 1


def test_the_model_and_the_generators_stay_as_they_were(model, vocabulary):
    model.train()
    model.model.encoder.eval()
    modes = {name: module.training for name, module in model.named_modules()}
    state = torch.get_rng_state()
    with torch.enable_grad():
        translate(model, vocabulary, SENTENCES[:2], max_length=3)
    assert {name: module.training for name, module in model.named_modules()} == modes
    with pytest.raises(ZeroDivisionError):
        translate(model, vocabulary, SENTENCES[:2], max_length=3, progress=lambda n: n / 0)
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize(
    ("sentences", "options", "said"),
    [
        (["a", "a dog " * 70], {}, r"sentence 2 has \d+ tokens with the end mark, more than the 48 positions"),
        (["a"], {"beams": 0}, "beams=0 must be at least 1"),
        (["a"], {"beams": 1.5}, "beams=1.5 must be an integer"),
        (["a"], {"batch_tokens": 0}, "batch_tokens=0"),
        (["a"], {"max_length": 0}, "max_length=0"),
        (["a"], {"length_penalty": float("nan")}, r"length_penalty=nan must lie in \[-10, 10\]"),
        (["a"], {"length_penalty": float("inf")}, r"length_penalty=inf must lie in \[-10, 10\]"),
        (["a"], {"length_penalty": -10.5, "beams": 1}, r"length_penalty=-10.5 must lie in \[-10, 10\]"),
        (["a"], {"length_penalty": "1"}, "length_penalty='1' must be a number"),
        (["a", "b\ud800"], {}, r"sentence 2: character U\+D800 in 'b\\ud800' is not UTF-8"),
    ],
)
def test_what_cannot_be_translated_is_rejected(model, vocabulary, sentences, options, said):
    with pytest.raises((InvalidValueError, InvalidTypeError), match=said):
        translate(model, vocabulary, sentences, **options)


def test_a_vocabulary_of_another_run_is_rejected(model):
    with pytest.raises(InvalidValueError, match=r"has 44 tokens and the model 300: use the vocabulary of the model's"):
        translate(model, learn_vocabulary(TEXT.first(20), "word"), ["a"])
