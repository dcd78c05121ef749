"""The random field: its bits never change silently, and they are as random as the selections require."""

import dataclasses
import hashlib
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.errors import InvalidTypeError, TopolearnError
from topolearn.sampling import RandomField, sample

WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15
MIX_1, MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
CELLS = torch.arange(50_000)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def mix(z):
    """SplitMix64's finaliser, in Python integers."""
    z = (z ^ (z >> 30)) * MIX_1 % WORD
    z = (z ^ (z >> 27)) * MIX_2 % WORD
    return z ^ (z >> 31)


def unmix(z):
    """The inverse of mix."""
    z = (z ^ (z >> 31) ^ (z >> 62)) * pow(MIX_2, -1, WORD) % WORD
    z = (z ^ (z >> 27) ^ (z >> 54)) * pow(MIX_1, -1, WORD) % WORD
    return z ^ (z >> 30) ^ (z >> 60)


def key_of(seed, layer, update, purpose):
    words = f"{seed}\x1f{layer}\x1f{update}\x1f{purpose}"
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "little")


def bits_by_hand(seed, layer, update, purpose, cell):
    return mix(mix((cell + GOLDEN) % WORD) ^ key_of(seed, layer, update, purpose)) >> 11


def cell_with(bits, field):
    """Return a cell whose draw has these 53 bits."""
    cell = (unmix(unmix(bits << 11) ^ (field.key % WORD)) - GOLDEN) % WORD
    return torch.tensor([cell - WORD if cell >= WORD // 2 else cell])


def joint_counts(first, second, bins):
    """Count how often two draws from U(0, 1] fall into each cell of a bins x bins grid."""
    column, row = (np.ceil(u * bins).astype(int) - 1 for u in (first, second))
    return np.bincount(row * bins + column, minlength=bins**2).reshape(bins, bins)


def test_the_arithmetic_of_this_file_is_splitmix64():
    """Against the published first outputs for seed 0."""
    assert [mix(GOLDEN * i % WORD) for i in (1, 2, 3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert all(unmix(mix(z)) == z for z in (0, 1, GOLDEN, WORD - 1))


@pytest.mark.parametrize(
    ("seed", "layer", "update", "purpose", "cell", "bits"),
    [
        (0, "", 0, "", 0, 6888356524883212),
        (0, "", 0, "", 1, 7234158601144403),
        (1, "", 0, "", 0, 1517334704865206),
        (0, "hidden1", 1, "removal", 7, 1827398901110724),
        (0, "hidden1", 1, "regrowth", 7, 1702069011091737),
        (42, "blocks.0.attn.q_proj", 2999, "regrowth, filled", 1099511627779, 699325724154120),
        (-7, "fc é", 12, "removal", 9223372036854775807, 4546412614855345),
    ],
)
def test_golden_values(seed, layer, update, purpose, cell, bits):
    assert RandomField(seed, layer, update, purpose).bits(torch.tensor([cell])).item() == bits


@examples(60)
@given(
    seed=st.integers(-(2**70), 2**70),
    layer=WORDS,
    update=st.integers(0, 2**40),
    purpose=WORDS,
    cells=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20),
)
def test_bits_are_the_documented_formula(seed, layer, update, purpose, cells):
    field = RandomField(seed, layer, update, purpose)
    expected = [bits_by_hand(seed, layer, update, purpose, cell) for cell in cells]
    found = field.bits(torch.tensor(cells))
    assert found.tolist() == expected
    assert found.dtype == torch.int64
    assert field.uniform(torch.tensor(cells)).tolist() == [(bits + 1) / 2**53 for bits in expected]
    assert field.integer == key_of(seed, layer, update, purpose) % 2**63


def test_cells_keep_their_shape_and_their_draws_in_any_order():
    field = RandomField(3, "fc", 2, "removal")
    grid = torch.arange(12).reshape(3, 4)
    assert torch.equal(field.bits(grid), field.bits(grid.flatten()).reshape(3, 4))
    assert torch.equal(field.bits(grid.flip(0, 1)), field.bits(grid).flip(0, 1))
    assert field.bits(grid[:0]).shape == (0, 4)


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.float64])
def test_cells_of_another_dtype_are_rejected(dtype):
    with pytest.raises(InvalidTypeError, match=f"must be torch.int64, not {dtype}") as raised:
        RandomField(0).bits(torch.arange(3, dtype=dtype))
    assert isinstance(raised.value, TopolearnError)


def test_a_field_is_a_value():
    field = RandomField(1, "a", 2, "p")
    assert field == RandomField(1, "a", 2, "p")
    assert dataclasses.replace(field, purpose="q") == RandomField(1, "a", 2, "q")
    assert dataclasses.replace(field, purpose="q").key == RandomField(1, "a", 2, "q").key
    with pytest.raises(dataclasses.FrozenInstanceError):
        field.seed = 2  # type: ignore[misc]


def test_fields_that_look_alike_have_different_keys():
    alike = [
        (0, "", 0, ""), (1, "", 0, ""), (-1, "", 0, ""), (0, "1", 0, ""), (0, "", 1, ""), (0, "", 0, "1"),
        (1, "1", 1, "1"), (11, "", 1, "1"), (1, "11", 1, ""), (1, "", 11, "1"), (0, "a", 0, "b"), (0, "b", 0, "a"),
        (0, "ab", 0, ""), (0, "", 0, "ab"), (2**64, "", 0, ""), (2**32, "", 0, ""),
    ]  # fmt: skip
    assert len({RandomField(*words).key for words in alike}) == len(alike)


def test_the_ends_of_the_range():
    """Neither end of (0, 1] occurs by chance, so the cells come from inverting the hash."""
    field = RandomField(5, "fc", 1, "removal")
    lowest, highest = cell_with(0, field), cell_with(2**53 - 1, field)
    assert field.uniform(lowest).item() == 2.0**-53
    assert field.uniform(highest).item() == 1
    assert math.isclose(field.gumbel(lowest).item(), -math.log(53 * math.log(2)))
    assert field.gumbel(highest).item() == math.inf
    cells = torch.cat((torch.arange(9), highest))
    everywhere = torch.ones(10)
    assert highest.item() in sample(cells, everywhere, 1, field).tolist()
    assert highest.item() not in sample(cells, (cells != highest).double(), 9, field).tolist()


@pytest.mark.parametrize("words", [(0,), (1, "hidden1", 7, "removal"), (12345, "0", 10_000, "regrowth")])
def test_draws_are_uniform(words):
    u = RandomField(*words).uniform(CELLS).numpy()
    assert u.dtype == np.float64
    assert u.min() > 0
    assert u.max() <= 1
    assert np.unique(u).size == u.size
    assert stats.kstest(u, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("axis", ["seed", "update"])
def test_draws_of_one_cell_are_uniform_over(axis):
    u = [RandomField(**{"seed": 0, axis: i}).uniform(CELLS[:2]).tolist() for i in range(3000)]
    for draws in np.transpose(u):
        assert stats.kstest(draws, "uniform").pvalue > 1e-3
        assert stats.chi2_contingency(joint_counts(draws[:-1], draws[1:], 6)).pvalue > 1e-3


def test_every_bit_is_fair_and_moves_with_every_bit_of_the_cell():
    field = RandomField(2, "fc", 3, "regrowth")
    shifts = torch.arange(53)
    ones = (field.bits(CELLS)[:, None] >> shifts & 1).double().mean(dim=0)
    assert (ones - 0.5).abs().max() < 4.5 * 0.5 / math.sqrt(len(CELLS))
    few = CELLS[:4000]
    for bit in range(0, 60, 7):
        changed = field.bits(few) ^ field.bits(few ^ (1 << bit))
        share = (changed[:, None] >> shifts & 1).double().mean(dim=0)
        assert (share - 0.5).abs().max() < 4.5 * 0.5 / math.sqrt(len(few))


BASE = {"seed": 4, "layer": "fc1", "update": 5, "purpose": "removal"}


@pytest.mark.parametrize(
    ("changes", "shift"),
    [
        ({}, 1), ({}, 2), ({}, 784), ({}, 1024),
        ({"seed": 5}, 0), ({"seed": 5}, 1), ({"seed": -4}, 0),
        ({"update": 6}, 0), ({"update": 6}, 1), ({"update": 4}, 1),
        ({"layer": "fc2"}, 0), ({"purpose": "regrowth"}, 0), ({"purpose": "removal, filled"}, 0),
        ({"seed": 5, "update": 4}, 0),
    ],
)  # fmt: skip
def test_two_draws_are_independent(changes, shift):
    """Neighbouring cells and rows, and the same or the next cell of a field that differs in one parameter."""
    first = RandomField(**BASE).uniform(CELLS).numpy()
    second = RandomField(**{**BASE, **changes}).uniform(CELLS + shift).numpy()
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / math.sqrt(first.size)
    assert stats.chi2_contingency(joint_counts(first, second, 16)).pvalue > 1e-3


def test_gumbel_law():
    field = RandomField(8, "fc", 1, "removal")
    gumbel = field.gumbel(CELLS)
    assert gumbel.dtype == torch.float64
    assert stats.kstest(gumbel.numpy(), stats.gumbel_r.cdf).pvalue > 1e-3
    assert gumbel[:5].tolist() == pytest.approx([-math.log(-math.log(u)) for u in field.uniform(CELLS[:5]).tolist()])


def test_normal_draws_have_their_law_and_are_finite_at_both_ends(monkeypatch):
    draws = RandomField(0, purpose="noise").normal(CELLS)
    assert draws.dtype == torch.float64
    assert stats.kstest(draws, "norm").pvalue > 0.01
    monkeypatch.setattr(RandomField, "bits", lambda self, cells: cells)
    ends = RandomField(0).normal(torch.tensor([0, 2**53 - 1]))
    assert ends.tolist() == pytest.approx(stats.norm.ppf([2.0**-53, 1 - 2.0**-53]), rel=1e-9)
