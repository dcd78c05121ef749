"""Small worlds: closure of BSW by beta, sigma and omega of lattices and random graphs; rich clubs, null models."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diagnostics.graphs import LAYERS, ODD, needs_networks, read_pairs
from tests.profiles import examples
from topolearn import BipartiteGraph
from topolearn import diagnostics as dg
from topolearn.errors import InvalidValueError, MeasureRangeWarning, UndefinedMeasureError
from topolearn.generators import make, randomise

BETAS = {0: 0.599, 0.1: 0.372, 0.25: 0.177, 1: 0.010}


@pytest.mark.parametrize("beta", BETAS)
def test_closure_falls_with_rewiring_as_in_the_paper(beta):
    assert dg.closure(make("bsw", 1568, 784, 0.01, beta=beta, seed=0)) == pytest.approx(BETAS[beta], abs=0.012)


def test_a_small_world_lies_between_lattice_and_random_graph():
    found = {b: dg.small_world(make("bsw", 120, 100, 0.06, beta=b, seed=0), n_null=3) for b in (0, 0.1, 1)}
    omegas = [each.omega for each in found.values()]
    assert omegas == sorted(omegas)
    assert omegas[0] < -0.4
    assert omegas[2] > 0.6
    assert found[0.1].sigma > 3
    assert found[1].sigma == pytest.approx(1, abs=0.25)


def test_sigma_and_omega_are_their_equations():
    found = dg.small_world(LAYERS["bsw"], n_null=4, seed=1)
    c, length = dg.closure(LAYERS["bsw"]), dg.path_length(LAYERS["bsw"])
    assert (found.closure, found.path_length, found.n_null) == (c, length, 4)
    assert found.sigma == pytest.approx((c / found.closure_random) / (length / found.path_length_random))
    assert found.omega == pytest.approx(found.path_length_random / length - c / found.closure_lattice)


def test_null_graphs_are_those_of_the_seed_on_any_number_of_jobs():
    layer, rng = LAYERS["bsf"], np.random.default_rng(5)
    expected = [dg.closure(randomise(layer, seed=child)) for child in rng.spawn(4)]
    for n_jobs in (1, 2):
        assert dg.null_ensemble(layer, dg.closure, 4, seed=5, n_jobs=n_jobs) == expected


@pytest.mark.parametrize("name", ["no link", "one link", "matching", "star", "tree"])
def test_sigma_and_omega_raise_without_closure(name):
    found = dg.small_world(ODD[name], n_null=2)
    for measure in ("sigma", "omega"):
        with pytest.raises(UndefinedMeasureError, match=f"{measure} is undefined"):
            getattr(found, measure)


def test_a_planted_rich_club_is_found_and_chance_has_none():
    rng = np.random.default_rng(0)
    planted = rng.random((60, 60)) < 0.1
    planted[:10, :10] = True
    planted[:10, 10:] |= rng.random((10, 50)) < 0.1
    assert dg.rich_club(planted, n_null=49).p_value == 0.02
    p_values = [dg.rich_club(make("er", 40, 40, 0.15, seed=seed), n_null=19).p_value for seed in range(20)]
    assert 0.3 < np.mean(p_values) < 0.7


def test_rich_club_density_by_hand():
    adjacency = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1]])
    found = dg.rich_club(adjacency, n_null=3)
    # more than 0 links: 7 of 12; more than 1: inputs 0, 1 and all outputs, 5 of 6; more than 2: input 0, output 0
    np.testing.assert_allclose(found.density, [7 / 12, 5 / 6, 1])
    assert found.density_null[0] == pytest.approx(7 / 12)


@pytest.mark.parametrize("measure", [dg.small_world, dg.rich_club])
def test_zero_null_models_are_rejected(measure):
    with pytest.raises(InvalidValueError, match=r"n_null=0 must be at least 1"):
        measure(LAYERS["er"], n_null=0)
    with pytest.raises(InvalidValueError, match=r"n=0 must be at least 1"):
        dg.null_ensemble(LAYERS["er"], dg.closure, 0)


@examples(40)
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(2, 9), st.floats(0.2, 0.9), st.sampled_from([0.0, 2.0])
)
def test_omega_is_never_below_minus_one_and_above_one_it_warns(seed, n_in, n_out, density, skew):
    rng = np.random.default_rng(seed)
    odds = density * np.outer((1 + np.arange(n_out)) ** -skew, (1 + np.arange(n_in)) ** -skew) ** 0.5
    found = dg.small_world(BipartiteGraph(rng.random((n_out, n_in)) < odds), n_null=2, seed=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            omega = found.omega
        except UndefinedMeasureError:
            return
    assert found.closure_lattice >= found.closure
    assert omega > -1 or found.path_length_random == 0
    assert [each.category for each in caught] == [MeasureRangeWarning] * (omega > 1)


def test_omega_above_one_warns_with_the_reason():
    found = dg.SmallWorld(0.1, 2.0, 0.1, 0.0, 4.0, 0.0, 0.2, 5.0, 1)
    with pytest.warns(MeasureRangeWarning, match=r"omega = 1.5 is above 1: the graph's paths have 2 links on average"):
        assert found.omega == pytest.approx(1.5)
    assert repr(found) == "SmallWorld(sigma=2, omega=1.5, closure=0.1, path_length=2, n_null=1)"


def test_the_repr_without_sigma_and_omega():
    assert repr(dg.small_world(ODD["tree"], n_null=2)).startswith("SmallWorld(closure=0, path_length=")


@needs_networks
@pytest.mark.parametrize("name", ["nuclear_receptor", "ion_channel", pytest.param("enzyme", marks=pytest.mark.slow)])
def test_networks_more_closed_than_a_ring_are_small_worlds(name):
    found = dg.small_world(read_pairs(f"bip_drug_target_{name}.tsv"), n_null=3)
    assert -1 < found.omega < 1
    assert found.sigma > 2
