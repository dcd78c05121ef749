"""Batches by tokens: each pair once, none too large, determined by seed and epoch, in the format of models."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from tests.tasks.translation.texts import TEXT, parallel
from topolearn.errors import InvalidValueError
from topolearn.tasks.translation import (
    BEGIN,
    END,
    PAD,
    UNKNOWN,
    EncodedPairs,
    TokenBatches,
    collate,
    encode_pairs,
    learn_vocabulary,
)

LENGTHS = np.random.default_rng(0).integers(2, 40, 500)


@examples(60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=80), st.integers(30, 90), st.integers(0, 5), st.integers(0, 9))
def test_each_pair_comes_once_in_a_batch_within_the_tokens(lengths, tokens, seed, epoch):
    batches = TokenBatches(lengths, tokens, seed=seed)
    batches.set_epoch(epoch)
    drawn = list(batches)
    assert sorted(index for batch in drawn for index in batch) == list(range(len(lengths)))
    assert len(drawn) == len(batches)
    assert all(len(batch) * max(lengths[index] for index in batch) <= tokens for batch in drawn)


def test_an_epoch_is_a_function_of_seed_and_epoch_alone():
    def epoch(number, seed=1):
        batches = TokenBatches(LENGTHS, 256, seed=seed)
        batches.set_epoch(number)
        return list(batches)

    state = torch.get_rng_state()
    went_on = TokenBatches(LENGTHS, 256, seed=1)
    for number in range(3):
        went_on.set_epoch(number)
        assert list(went_on) == list(went_on) == epoch(number)
    assert len({str(sorted(map(sorted, epoch(number)))) for number in range(3)}) == 3  # other companions, too
    assert epoch(0) != epoch(0, seed=2)
    assert torch.equal(torch.get_rng_state(), state)


def test_batches_have_pairs_of_similar_length():
    spread = [np.ptp(LENGTHS[batch]) for batch in TokenBatches(LENGTHS, 256)]
    assert np.mean(spread) < 2
    padded = sum(len(batch) * LENGTHS[batch].max() for batch in TokenBatches(LENGTHS, 256))
    assert padded < 1.05 * LENGTHS.sum()


def test_batches_are_not_ordered_by_length_unless_asked():
    order = [LENGTHS[batch].max() for batch in TokenBatches(LENGTHS, 256)]
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.5
    plain = TokenBatches(LENGTHS, 256, shuffle=False)
    longest = [LENGTHS[batch].max() for batch in plain]
    assert longest == sorted(longest)
    before = list(plain)
    plain.set_epoch(3)
    assert list(plain) == before


@pytest.mark.parametrize(
    ("lengths", "options", "said"),
    [
        ([], {}, "there are no pairs"),
        ([3, 9], {"tokens": 8}, "pair 1 has 9 tokens, more than a batch of tokens=8"),
        ([3], {"tokens": 0}, "tokens=0"),
    ],
)
def test_impossible_batches_are_rejected(lengths, options, said):
    with pytest.raises(InvalidValueError, match=said):
        TokenBatches(lengths, **options)


def test_a_loader_takes_them():
    pairs = EncodedPairs([[9, END], [8, 7, END], [6, END]], [[5, 4, 4, END], [5, END], [6, END]])
    loader = torch.utils.data.DataLoader(pairs, batch_sampler=TokenBatches(pairs.lengths, 8), collate_fn=collate)
    batches = list(loader)
    assert sum(len(batch["labels"]) for batch in batches) == 3
    assert {name for batch in batches for name in batch} == {"input_ids", "attention_mask", "labels"}


def test_models_make_the_inputs_of_the_decoder_of_the_labels():
    shift = pytest.importorskip("transformers.models.m2m_100.modeling_m2m_100").shift_tokens_right
    batch = collate([([7, 8, END], [9, END]), ([7, END], [5, 6, END])])
    assert batch["input_ids"].tolist() == [[7, 8, END], [7, END, PAD]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["labels"].tolist() == [[9, END, -100], [5, 6, END]]
    assert shift(batch["labels"], PAD, BEGIN).tolist() == [[BEGIN, 9, END], [BEGIN, 5, 6]]


@pytest.fixture(scope="module")
def words():
    pytest.importorskip("tokenizers")
    return learn_vocabulary(TEXT, "word")


def test_pairs_are_encoded_on_both_sides_and_unknown_words_counted(words):
    pairs = encode_pairs(
        parallel(("a man runs.", "ein Bär rennt. rennt."), ("a dog", "x")), words, tokens=9, positions=9
    )
    assert pairs.lengths.tolist() == [5, 3]
    assert pairs.n_unknown == (0, 2)
    assert pairs[0][1][1] == UNKNOWN
    assert (len(pairs), pairs.n_dropped) == (2, 0)


@pytest.mark.parametrize(
    ("tokens", "positions", "said"),
    [
        (3, 9, r"train.en, line 2: 4 tokens with the end mark, more than tokens=3 allows \(2 of 3 pairs"),
        (9, 3, r"train.en, line 2: 4 tokens with the end mark, more than positions=3 allows"),
        (9, 4, r"train.de, line 3: 5 tokens with the end mark, more than positions=4 allows \(1 of 3 pairs"),
    ],
)
def test_sentences_that_are_too_long_are_rejected_with_their_line(words, tokens, positions, said):
    text = parallel(("a dog", "Hund"), ("a dog runs.", "Hund"), ("a", "a a a a"))
    with pytest.raises(InvalidValueError, match=said):
        encode_pairs(text, words, tokens=tokens, positions=positions)
    kept = encode_pairs(text, words, tokens=tokens, positions=positions, too_long="drop")
    assert kept.lengths.max() <= min(tokens, positions)
    assert len(kept) + kept.n_dropped == 3
    with pytest.raises(InvalidValueError, match="3 of 3 pairs are too long"):
        encode_pairs(text, words, tokens=1, positions=9, too_long="drop")
    with pytest.raises(InvalidValueError, match="too_long='cut' must be 'error' or 'drop'"):
        encode_pairs(text, words, tokens=9, positions=9, too_long="cut")
